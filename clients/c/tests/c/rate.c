/* A thread that publishes 100,000 events a second, with a real-time priority where that is allowed.
 * None is lost unsaid, and nobody allocates: malloc is this program's own. */

#include <sched.h>

#include "test.h"

enum { PER_MS = 100, MS = 2000, EVENTS = PER_MS * MS };

static int allocations;
static KymoPublisher *publisher;
static uint64_t refused, slowest_ns;

#ifdef WRAPPED
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_posix_memalign(void **memory, size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_posix_memalign(void **memory, size_t align, size_t size);

void *__wrap_malloc(size_t size)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return __real_realloc(memory, size);
}

int __wrap_posix_memalign(void **memory, size_t align, size_t size)
{
    __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return __real_posix_memalign(memory, align, size);
}
#endif

static void *publish(void *is_realtime)
{
    struct sched_param param = {.sched_priority = 1};
    KymoText topic = kymo_text("test.number");
    uint64_t begun;

    *(int *)is_realtime = pthread_setschedparam(pthread_self(), SCHED_FIFO, &param) == 0;
    begun = now_ns();
    for (uint64_t number = 1; number <= EVENTS;) {
        uint64_t due = (now_ns() - begun) * PER_MS / 1000000;
        for (; number <= due && number <= EVENTS; number++) {
            KymoText data = {(const char *)&number, sizeof number};
            uint64_t before = now_ns(), took;
            KymoError error = kymo_publish_bytes(publisher, topic, data);
            CHECK(error == KYMO_OK || error == KYMO_FULL);
            refused += error == KYMO_FULL;
            took = now_ns() - before;
            slowest_ns = took > slowest_ns ? took : slowest_ns;
        }
        sleep_ms(1);
    }
    return NULL;
}

int main(int count, char **arguments)
{
    KymoHub *hub = make_hub("", 0);
    KymoSubscriber *subscriber = subscribe(hub, KYMO_STREAM_EVENTS, 0);
    const KymoItem *item;
    KymoCounts counts;
    KymoError error;
    pthread_t thread;
    uint64_t sequence = 0, number = 0, had = 0, lost = 0;
    int is_realtime = 0, before, is_over = 0;

    (void)count, (void)arguments;
    publisher = publisher_of(hub);
    OK(kymo_hub_start(hub, &why));
    until(subscriber, KYMO_ITEM_KIND_CONNECTED);
    CHECK(pthread_create(&thread, NULL, publish, &is_realtime) == 0);
    sleep_ms(20);
    before = __atomic_load_n(&allocations, __ATOMIC_RELAXED);
    for (;;) {
        error = kymo_subscriber_next(subscriber, is_over ? 0 : 100, &item, &why);
        if (error == KYMO_NOTHING && is_over)
            break;
        if (error == KYMO_NOTHING) {
            OK(kymo_publisher_counts(publisher, &counts));
            is_over = counts.published + counts.refused == EVENTS;
            continue;
        }
        OK(error);
        if (item->gap) {
            CHECK(item->gap->first == sequence + 1);
            lost += item->gap->count;
            sequence = item->gap->last;
        } else if (item->event && item->sequence) {
            uint64_t told;
            CHECK(item->sequence == sequence + 1 && item->event->data.size == sizeof told);
            memcpy(&told, item->event->data.data, sizeof told);
            CHECK(told > number);
            number = told;
            sequence = item->sequence;
            had++;
        }
    }
    CHECK(__atomic_load_n(&allocations, __ATOMIC_RELAXED) == before);
    CHECK(pthread_join(thread, NULL) == 0);
    OK(kymo_publisher_counts(publisher, &counts));
    CHECK(counts.refused == refused && counts.published + refused == EVENTS);
    CHECK(had + lost == counts.published && had > 0);
    printf("%d events, %" PRIu64 " refused, %" PRIu64 " lapped, slowest call %" PRIu64 " us%s\n",
           EVENTS, refused, lost, slowest_ns / 1000, is_realtime ? ", SCHED_FIFO" : "");
    kymo_hub_free(hub);
    kymo_subscriber_free(subscriber);
    kymo_publisher_free(publisher);
    return 0;
}
