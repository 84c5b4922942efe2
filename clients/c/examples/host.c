/* A program that hosts kymo: it publishes what it does and sees that beside its machine's vitals,
 * all in one process. With a directory as argument others may look as well. */

#include <stdio.h>
#include <stdlib.h>

#include "kymo.h"

static void die(const char *what, const KymoWhy *why)
{
    fprintf(stderr, "%s: %s\n", what, why->text);
    exit(1);
}

static void print_vitals(const KymoVitals *vitals)
{
    /* A value is there only if it was read; else the state says why it is not. */
    if (vitals->cpu_usage.state == KYMO_STATE_OK)
        printf("cpu %.1f %%\n", vitals->cpu_usage.value);
    else
        printf("cpu %s\n", kymo_state_name(vitals->cpu_usage.state).data);
}

/* Reads until an event has come, at most 20 s. Whether it has. */
static int read_until_event(KymoSubscriber *subscriber)
{
    KymoWhy why;
    const KymoItem *item;
    KymoError error;

    while ((error = kymo_subscriber_next(subscriber, 20000, &item, &why)) == KYMO_OK) {
        if (item->vitals)
            print_vitals(item->vitals);
        if (item->gap)
            printf("%llu frames are lost\n", (unsigned long long)item->gap->count);
        /* What is told again to a newcomer has no sequence. */
        if (item->event && item->sequence) {
            printf("%.*s: %.*s\n", (int)item->event->name.size, item->event->name.data,
                   (int)item->event->data.size, item->event->data.data);
            return 1;
        }
    }
    fprintf(stderr, "no event: %s\n", why.text);
    return 0;
}

int main(int count, char **arguments)
{
    KymoHubOptions options = {.size = sizeof options};
    KymoWish wish = {.size = sizeof wish, .rate_mhz = 10000};
    KymoHub *hub;
    KymoSubscriber *subscriber;
    KymoPublisher *publisher;
    KymoWhy why;
    int is_seen;

    if (count > 1)
        options.directory = kymo_text(arguments[1]);
    if (kymo_hub_new(&options, &hub, &why))
        die("hub", &why);
    if (kymo_hub_subscribe(hub, &wish, &subscriber, &why))
        die("subscriber", &why);
    if (kymo_hub_publisher(hub, false, &publisher, &why))
        die("publisher", &why);
    if (kymo_hub_start(hub, &why))
        die("start", &why);

    kymo_publish_json(publisher, kymo_text("build.done"), kymo_text("{\"ok\":true}"));
    is_seen = read_until_event(subscriber);

    if (kymo_hub_stop(hub, &why))
        die("stop", &why);
    kymo_publisher_free(publisher);
    kymo_subscriber_free(subscriber);
    kymo_hub_free(hub);
    return is_seen ? 0 : 1;
}
