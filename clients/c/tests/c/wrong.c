/* Arguments and moments that can't be: each is told, and does no harm. */

#include "test.h"

#define INVALID(call) CHECK((call) == KYMO_INVALID && why.text[0])

static KymoSubscriber *shared;
static int is_inside;

static void *wait_inside(void *unused)
{
    const KymoItem *item;
    __atomic_store_n(&is_inside, 1, __ATOMIC_RELEASE);
    while (kymo_subscriber_next(shared, 500, &item, NULL) == KYMO_OK) {
    }
    return unused;
}

/* Two threads in one subscriber. */
static void busy(KymoHub *hub)
{
    const KymoItem *item;
    pthread_t thread;
    int found = 0;
    shared = subscribe(hub, KYMO_STREAM_EVENTS, 0);
    CHECK(pthread_create(&thread, NULL, wait_inside, NULL) == 0);
    while (!__atomic_load_n(&is_inside, __ATOMIC_ACQUIRE))
        sleep_ms(1);
    for (int attempt = 0; attempt < 200 && !found; attempt++) {
        found = kymo_subscriber_next(shared, 0, &item, &why) == KYMO_BUSY;
        sleep_ms(1);
    }
    CHECK(found && strstr(why.text, "another call"));
    CHECK(pthread_join(thread, NULL) == 0);
    kymo_subscriber_free(shared);
}

static void nulls(KymoHub *hub, KymoPublisher *publisher)
{
    KymoHubOptions options = {.size = sizeof options};
    KymoWish wish = {.size = sizeof wish};
    KymoText none = {NULL, 0};
    KymoSubscriber *subscriber;
    KymoClient *client;
    const KymoItem *item;
    int32_t ms;
    INVALID(kymo_hub_new(NULL, &hub, &why));
    INVALID(kymo_hub_new(&options, NULL, &why));
    INVALID(kymo_hub_start(NULL, &why));
    INVALID(kymo_hub_turn(NULL, 0, &why));
    INVALID(kymo_hub_timeout(hub, NULL, &why));
    INVALID(kymo_hub_timeout(NULL, &ms, &why));
    INVALID(kymo_hub_stop(NULL, &why));
    INVALID(kymo_hub_subscribe(hub, NULL, &subscriber, &why));
    INVALID(kymo_hub_subscribe(hub, &wish, NULL, &why));
    INVALID(kymo_hub_publisher(hub, false, NULL, &why));
    INVALID(kymo_publish(publisher, NULL, &why));
    INVALID(kymo_subscriber_next(NULL, 0, &item, &why));
    INVALID(kymo_client_new(none, NULL, none, &client, &why));
    INVALID(kymo_client_next(NULL, 0, &item, &why));
    CHECK(kymo_hub_start(NULL, NULL) == KYMO_INVALID);
    CHECK(kymo_hub_ask_to_stop(NULL) == KYMO_INVALID);
    CHECK(kymo_publish_json(NULL, none, none) == KYMO_INVALID);
    CHECK(kymo_publisher_counts(publisher, NULL) == KYMO_INVALID);
    CHECK(kymo_client_token(NULL, NULL) == KYMO_INVALID);
    CHECK(kymo_hub_fd(NULL) == -1 && kymo_subscriber_fd(NULL) == -1 && kymo_client_fd(NULL) == -1);
    CHECK(kymo_hub_is_ended(NULL));
    kymo_hub_free(NULL);
    kymo_publisher_free(NULL);
    kymo_subscriber_free(NULL);
    kymo_client_free(NULL);
}

static void options(const char *directory)
{
    KymoHubOptions options = {.size = sizeof options};
    KymoHub *hub = NULL, *other = NULL;
    options.size = sizeof options + 8;
    INVALID(kymo_hub_new(&options, &hub, &why));
    CHECK(strstr(why.text, "bytes"));
    options.size = 8; /* An older program: nothing but what it serves. */
    options.directory = (KymoText){(const char *)1, 1};
    OK(kymo_hub_new(&options, &hub, &why));
    kymo_hub_free(hub);
    options = (KymoHubOptions){.size = sizeof options, .serves = 64};
    INVALID(kymo_hub_new(&options, &hub, &why));
    options = (KymoHubOptions){.size = sizeof options, .rate_mhz = 2000000000};
    INVALID(kymo_hub_new(&options, &hub, &why));
    options = (KymoHubOptions){.size = sizeof options, .directory = {NULL, 5}};
    INVALID(kymo_hub_new(&options, &hub, &why));
    options.directory = kymo_text("/dev/null/no");
    CHECK(kymo_hub_new(&options, &hub, &why) == KYMO_SYSTEM && strstr(why.text, "/dev/null/no"));
    options.directory = kymo_text("/dev/null");
    CHECK(kymo_hub_new(&options, &hub, &why) == KYMO_DENIED);
    options.directory = kymo_text(directory);
    OK(kymo_hub_new(&options, &hub, &why));
    CHECK(kymo_hub_new(&options, &other, &why) == KYMO_TAKEN && other == NULL);
    CHECK(strstr(why.text, directory));
    kymo_hub_free(hub);
}

static void events(KymoPublisher *publisher)
{
    KymoEvent event = {.size = sizeof event, .name = kymo_text("a"), .kind = 99};
    char *long_text = calloc(1, 100000);
    KymoText text = {long_text, 100000};
    INVALID(kymo_publish(publisher, &event, &why));
    CHECK(strstr(why.text, "99"));
    event.kind = KYMO_EVENT_KIND_SESSION_START; /* which has no name */
    INVALID(kymo_publish(publisher, &event, &why));
    event = (KymoEvent){.size = sizeof event, .kind = KYMO_EVENT_KIND_METRICS_UPDATE};
    event.state = KYMO_APP_STATE_IDLE;
    event.present = KYMO_HAS_WPM;
    event.wpm = 0.0 / (double)(event.words);
    INVALID(kymo_publish(publisher, &event, &why));
    CHECK(strstr(why.text, "wpm"));
    CHECK(kymo_publish_json(publisher, kymo_text("a"), kymo_text("{")) == KYMO_INVALID);
    CHECK(kymo_publish_json(publisher, kymo_text("\xff"), kymo_text("1")) == KYMO_INVALID);
    CHECK(kymo_publish_text(publisher, kymo_text(""), kymo_text("b")) == KYMO_INVALID);
    CHECK(kymo_publish_bytes(publisher, kymo_text("a"), text) == KYMO_TOO_LONG);
    CHECK(kymo_publish_state(publisher, 17) == KYMO_INVALID);
    free(long_text);
}

static void wishes(KymoHub *hub)
{
    KymoText bad[] = {kymo_text("a\nb")}, none = {NULL, 0};
    KymoWish wish = {.size = sizeof wish, .topics = bad, .topics_count = 1};
    KymoSubscriber *subscriber;
    KymoClient *client;
    INVALID(kymo_hub_subscribe(hub, &wish, &subscriber, &why));
    INVALID(kymo_client_new(none, &wish, none, &client, &why));
    wish = (KymoWish){.size = sizeof wish, .streams = 1024};
    INVALID(kymo_hub_subscribe(hub, &wish, &subscriber, &why));
    wish = (KymoWish){.size = sizeof wish};
    INVALID(kymo_client_new(none, &wish, kymo_text("no token"), &client, &why));
}

static void moments(KymoHub *hub)
{
    KymoWish wish = {.size = sizeof wish};
    KymoSubscriber *subscriber;
    int32_t ms;
    OK(kymo_hub_start(hub, &why));
    CHECK(why.text[0] == 0);
    CHECK(kymo_hub_start(hub, &why) == KYMO_STATE);
    CHECK(kymo_hub_turn(hub, 0, &why) == KYMO_STATE);
    CHECK(kymo_hub_timeout(hub, &ms, &why) == KYMO_STATE);
    CHECK(kymo_hub_subscribe(hub, &wish, &subscriber, &why) == KYMO_STATE);
    CHECK(strstr(why.text, "thread"));
    OK(kymo_hub_stop(hub, &why));
    OK(kymo_hub_stop(hub, &why));
    CHECK(kymo_hub_start(hub, &why) == KYMO_ENDED);
    CHECK(kymo_hub_turn(hub, 0, &why) == KYMO_ENDED);
}

int main(int count, char **arguments)
{
    KymoHub *hub = make_hub("", 0);
    KymoPublisher *publisher = publisher_of(hub);
    (void)count;
    CHECK(kymo_abi_version() == KYMO_ABI_VERSION);
    CHECK(strcmp(kymo_error_text(KYMO_FULL).data, "there is no room now") == 0);
    CHECK(strcmp(kymo_error_text(4711).data, "a code of a later version") == 0);
    nulls(hub, publisher);
    options(below(arguments[1], "hub"));
    events(publisher);
    wishes(hub);
    busy(hub);
    moments(hub);
    kymo_hub_free(hub);
    kymo_publisher_free(publisher);
    return 0;
}
