/* Forks while the hub runs: children touch nothing of the parent's, and take nothing with them. */

#include <signal.h>

#include "test.h"

enum { CHILDREN = 20 };

/* One that has no thread: a child that frees it, or turns it, is not its owner. */
static void unstarted(const char *directory)
{
    KymoHub *hub = make_hub(directory, 0), *other = NULL;
    KymoHubOptions options = {.size = sizeof options};
    int status;
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        CHECK(kymo_hub_start(hub, &why) == KYMO_FORKED);
        CHECK(kymo_hub_turn(hub, 0, &why) == KYMO_FORKED);
        kymo_hub_free(hub);
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(access(below(directory, "stream.sock"), F_OK) == 0);
    options.directory = kymo_text(directory);
    CHECK(kymo_hub_new(&options, &other, &why) == KYMO_TAKEN);
    OK(kymo_hub_turn(hub, 0, &why));
    kymo_hub_free(hub);
}

static void child(KymoHub *hub, KymoPublisher *publisher, KymoSubscriber *subscriber)
{
    const KymoItem *item;
    CHECK(kymo_hub_stop(hub, &why) == KYMO_FORKED);
    CHECK(kymo_hub_turn(hub, 0, &why) == KYMO_FORKED);
    OK(kymo_hub_ask_to_stop(hub));
    while (kymo_subscriber_next(subscriber, 0, &item, &why) == KYMO_OK) {
    }
    kymo_publish_json(publisher, kymo_text("a"), kymo_text("1"));
    kymo_publisher_free(publisher);
    kymo_hub_free(hub);
    _exit(0);
}

int main(int count, char **arguments)
{
    const char *directory = below(arguments[1], "hub");
    KymoHub *hub = make_hub(directory, KYMO_SERVES_SENSORS);
    KymoSubscriber *subscriber = subscribe(hub, KYMO_STREAM_VITALS, 100000);
    KymoPublisher *publisher = publisher_of(hub);
    uint64_t last = 0;
    pid_t sleeper;

    (void)count;
    unstarted(below(arguments[1], "unstarted"));
    OK(kymo_hub_start(hub, &why));
    for (int number = 0; number < CHILDREN; number++) {
        pid_t pid = fork();
        int status;
        CHECK(pid >= 0);
        if (pid == 0)
            child(hub, publisher, subscriber);
        CHECK(waitpid(pid, &status, 0) == pid);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        const KymoItem *item = until(subscriber, KYMO_ITEM_KIND_VITALS);
        CHECK(item->sequence > last);
        last = item->sequence;
        CHECK(access(below(directory, "stream.sock"), F_OK) == 0);
    }
    /* One that lives on holds neither the directory nor a socket. */
    sleeper = fork();
    if (sleeper == 0) {
        sleep_ms(60000);
        _exit(0);
    }
    OK(kymo_hub_stop(hub, &why));
    kymo_hub_free(hub);
    CHECK(dial(below(directory, "stream.sock")) == -1);
    hub = make_hub(directory, 0);
    kymo_hub_free(hub);
    CHECK(kill(sleeper, SIGKILL) == 0 && waitpid(sleeper, NULL, 0) == sleeper);
    kymo_subscriber_free(subscriber);
    kymo_publisher_free(publisher);
    return 0;
}
