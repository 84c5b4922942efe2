/* A program with a loop of its own: kymo has no thread here, and is one descriptor of several. */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "kymo.h"

enum { FRAMES = 20 };

static void die(const char *what, const KymoWhy *why)
{
    fprintf(stderr, "%s: %s\n", what, why->text);
    exit(1);
}

int main(void)
{
    KymoHubOptions options = {.size = sizeof options, .serves = KYMO_SERVES_PROCESSES};
    KymoWish wish = {.size = sizeof wish, .streams = KYMO_STREAM_VITALS, .rate_mhz = 100000};
    KymoHub *hub;
    KymoSubscriber *subscriber;
    KymoWhy why;
    const KymoItem *item;
    KymoError error;
    int frames = 0, turns = 0;

    if (kymo_hub_new(&options, &hub, &why) || kymo_hub_subscribe(hub, &wish, &subscriber, &why))
        die("hub", &why);
    while (frames < FRAMES) {
        struct pollfd fds[] = {
            {.fd = kymo_hub_fd(hub), .events = POLLIN},
            {.fd = kymo_subscriber_fd(subscriber), .events = POLLIN},
            /* … and the program's own … */
        };
        int timeout_ms;

        if (kymo_hub_timeout(hub, &timeout_ms, &why))
            die("timeout", &why);
        poll(fds, 2, timeout_ms);
        /* With 0 it never waits. It is due also when the time is over and nothing can be read. */
        if (kymo_hub_turn(hub, 0, &why))
            die("turn", &why);
        turns++;
        if (!(fds[1].revents & POLLIN))
            continue;
        while ((error = kymo_subscriber_next(subscriber, 0, &item, &why)) == KYMO_OK)
            frames += item->vitals != NULL;
        if (error != KYMO_NOTHING)
            die("next", &why);
    }
    printf("%d frames in %d turns\n", frames, turns);
    /* Runs the turns that are left. */
    if (kymo_hub_stop(hub, &why))
        die("stop", &why);
    kymo_subscriber_free(subscriber);
    kymo_hub_free(hub);
    return turns < 20 * FRAMES ? 0 : 1;
}
