/* Every stream as plain structs: sensors that a catalog names, processes, vitals; and a client that
 * goes on where it was, over a restart of its hub and of itself. */

#include <math.h>

#include "test.h"

static void sensors(KymoHub *hub, KymoSubscriber *subscriber)
{
    const KymoItem *item;
    char *names[65536] = {NULL};
    uint32_t topology = 0, named = 0, values = 0;
    OK(kymo_hub_start(hub, &why));
    while (values < 20) {
        OK(kymo_subscriber_next(subscriber, 20000, &item, &why));
        if (item->catalog) {
            topology = item->catalog->topology;
            for (size_t place = 0; place < item->catalog->count; place++) {
                const KymoSensor *sensor = &item->catalog->sensors[place];
                CHECK(sensor->id > 0 && sensor->name.size > 0 && sensor->identity.size > 0);
                CHECK(is_text(sensor->group, "cpu") || is_text(sensor->group, "memory"));
                for (size_t at = 0; at < sensor->attributes_count; at++)
                    CHECK(sensor->attributes[at].key.size > 0);
                names[sensor->id] = "";
                named++;
            }
            CHECK(item->catalog->first + item->catalog->count == item->catalog->total
                  || !item->catalog->is_last);
        }
        if (item->samples) {
            CHECK(item->samples->topology == topology && item->stream == KYMO_STREAM_SAMPLES);
            for (size_t place = 0; place < item->samples->count; place++) {
                const KymoSample *sample = &item->samples->samples[place];
                int has_value = sample->state == KYMO_STATE_OK || sample->state == KYMO_STATE_HELD;
                CHECK(names[sample->id]);
                CHECK(has_value == !isnan(sample->value));
                values += has_value;
            }
        }
    }
    CHECK(named > 5);
}

static void processes(const char *directory)
{
    KymoClient *client = client_of(directory, KYMO_STREAM_PROCESSES | KYMO_STREAM_VITALS, "");
    const KymoItem *item;
    int is_had = 0, is_alive = 0;
    while (!is_had || !is_alive) {
        OK(kymo_client_next(client, 20000, &item, &why));
        if (item->processes && item->processes->total.state == KYMO_STATE_OK) {
            CHECK(item->processes->count > 0 && item->processes->total.value > 0);
            CHECK(item->processes->processes[0].pid > 0);
            CHECK(item->processes->processes[0].name.size > 0);
            is_had = 1;
        }
        if (item->vitals && item->vitals->memory_total.state == KYMO_STATE_OK) {
            const KymoVitals *vitals = item->vitals;
            uint64_t wall_s = (uint64_t)time(NULL);
            CHECK(vitals->memory_total.value > vitals->memory_used.value);
            CHECK(item->wall_ns / 1000000000 + 10 > wall_s);
            CHECK(item->wall_ns / 1000000000 < wall_s + 10);
            CHECK(vitals->cpu_usage.state != KYMO_STATE_PENDING || isnan(vitals->cpu_usage.value));
            is_alive = vitals->cpu_usage.state == KYMO_STATE_OK;
        }
    }
    kymo_client_free(client);
}

static KymoHub *journalled(const char *directory, const char *journal, KymoPublisher **publisher)
{
    KymoHubOptions options = {.size = sizeof options};
    KymoHub *hub = NULL;
    options.directory = kymo_text(directory);
    options.journal = kymo_text(journal);
    OK(kymo_hub_new(&options, &hub, &why));
    OK(kymo_hub_start(hub, &why));
    *publisher = publisher_of(hub);
    return hub;
}

static void expect(KymoClient *client, const char *topic, uint64_t sequence)
{
    const KymoItem *item;
    do
        item = client_until(client, KYMO_ITEM_KIND_EVENT);
    while (!item->sequence);
    CHECK(is_text(item->event->name, topic) && item->sequence == sequence);
    CHECK(item->stream == KYMO_STREAM_EVENTS && item->event->wall_ns > 0);
}

static void resume(const char *directory, const char *journal)
{
    KymoPublisher *publisher;
    KymoHub *hub = journalled(directory, journal, &publisher);
    KymoClient *client = client_of(directory, KYMO_STREAM_EVENTS, "");
    KymoToken token;
    client_until(client, KYMO_ITEM_KIND_CONNECTED);
    CHECK(client_until(client, KYMO_ITEM_KIND_FRESH)->fresh == NULL);
    OK(kymo_publish_json(publisher, kymo_text("one"), kymo_text("1")));
    expect(client, "one", 1);
    /* The hub goes and comes again; the client goes on. */
    kymo_hub_free(hub);
    kymo_publisher_free(publisher);
    CHECK(client_until(client, KYMO_ITEM_KIND_LOST)->lost->reason == KYMO_LOST_REASON_SHUTDOWN);
    hub = journalled(directory, journal, &publisher);
    OK(kymo_publish_json(publisher, kymo_text("two"), kymo_text("2")));
    CHECK(client_until(client, KYMO_ITEM_KIND_CONNECTED)->connected->resumed == KYMO_RESUMED_TAIL);
    expect(client, "two", 2);
    OK(kymo_client_token(client, &token));
    kymo_client_free(client);
    /* And so does another one. */
    OK(kymo_publish_json(publisher, kymo_text("three"), kymo_text("3")));
    client = client_of(directory, KYMO_STREAM_EVENTS, token.text);
    expect(client, "three", 3);
    kymo_client_free(client);
    kymo_publisher_free(publisher);
    kymo_hub_free(hub);
}

int main(int count, char **arguments)
{
    KymoHub *hub = make_hub(below(arguments[1], "a"), KYMO_SERVES_SENSORS | KYMO_SERVES_PROCESSES);
    KymoText groups[] = {kymo_text("cpu"), kymo_text("mem*")};
    KymoWish wish = {.size = sizeof wish, .streams = KYMO_STREAM_SAMPLES, .rate_mhz = 10000};
    KymoSubscriber *subscriber = NULL;
    (void)count;
    wish.groups = groups;
    wish.groups_count = 2;
    OK(kymo_hub_subscribe(hub, &wish, &subscriber, &why));
    sensors(hub, subscriber);
    processes(below(arguments[1], "a"));
    kymo_subscriber_free(subscriber);
    kymo_hub_free(hub);
    resume(below(arguments[1], "b"), below(arguments[1], "c"));
    return 0;
}
