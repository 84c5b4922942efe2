/* A hundred hubs come and go; descriptors and threads stay as many as they were, and publishers and
 * subscribers outlive their hubs. */

#include "test.h"

enum { HUBS = 100 };

static void one(const char *directory, int number)
{
    KymoHub *hub = make_hub(directory, number % 2 ? KYMO_SERVES_SENSORS : KYMO_SERVES_PROCESSES);
    KymoSubscriber *subscriber = subscribe(hub, 0, 0);
    KymoPublisher *publisher = publisher_of(hub);
    KymoClient *client = NULL;
    const KymoItem *item = NULL;
    KymoCounts counts;
    KymoError error;

    if (number % 5 == 0) {
        /* Never started. */
        OK(kymo_publish_text(publisher, kymo_text("a"), kymo_text("b")));
    } else {
        OK(kymo_hub_start(hub, &why));
        CHECK(kymo_hub_start(hub, &why) == KYMO_STATE);
        until(subscriber, KYMO_ITEM_KIND_CONNECTED);
        client = client_of(directory, 0, "");
        client_until(client, KYMO_ITEM_KIND_CONNECTED);
    }
    if (number % 3 == 0)
        OK(kymo_hub_stop(hub, &why));
    CHECK(kymo_hub_is_ended(hub) == (number % 3 == 0));
    kymo_hub_free(hub);
    CHECK(kymo_publish_text(publisher, kymo_text("a"), kymo_text("b")) == KYMO_ENDED);
    OK(kymo_publisher_counts(publisher, &counts));
    CHECK(counts.published == (number % 5 == 0) && counts.refused == 1);
    while ((error = kymo_subscriber_next(subscriber, 1000, &item, &why)) == KYMO_OK) {
    }
    CHECK(error == KYMO_ENDED);
    if (number % 5)
        CHECK(item->lost && item->lost->reason == KYMO_LOST_REASON_SHUTDOWN);
    kymo_subscriber_free(subscriber);
    kymo_publisher_free(publisher);
    if (client)
        CHECK(client_until(client, KYMO_ITEM_KIND_LOST)->lost->reason == KYMO_LOST_REASON_SHUTDOWN);
    kymo_client_free(client);
}

int main(int count, char **arguments)
{
    int fds, threads = 0;

    (void)count;
    one(below(arguments[1], "hub"), 1);
    fds = count_of("/dev/fd");
    threads = access("/proc/self/task", F_OK) ? 0 : count_of("/proc/self/task");
    for (int number = 0; number < HUBS; number++)
        one(below(arguments[1], "hub"), number);
    /* A thread that waits for a bus may need a moment. */
    for (int wait = 0; wait < 1000 && count_of("/dev/fd") != fds; wait++)
        sleep_ms(10);
    CHECK(count_of("/dev/fd") == fds);
    CHECK(threads == 0 || count_of("/proc/self/task") == threads);
    return 0;
}
