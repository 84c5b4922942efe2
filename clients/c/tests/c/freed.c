/* Subscribers are freed while they are called, and what their callbacks are handed with them. */

#include "test.h"

enum { SUBSCRIBERS = 60 };

struct context {
    int is_alive;
    int calls;
};

static void on_ready(void *given)
{
    struct context *context = given;
    int is_alive = __atomic_load_n(&context->is_alive, __ATOMIC_ACQUIRE);
    __atomic_fetch_add(&context->calls, 1, __ATOMIC_RELAXED);
    sleep_ms(1);
    CHECK(is_alive && __atomic_load_n(&context->is_alive, __ATOMIC_ACQUIRE));
}

int main(int count, char **arguments)
{
    static struct context contexts[SUBSCRIBERS];
    KymoSubscriber *subscribers[SUBSCRIBERS];
    KymoHub *hub = make_hub("", 0);
    const KymoItem *item;
    int calls = 0;

    (void)count, (void)arguments;
    for (int number = 0; number < SUBSCRIBERS; number++) {
        KymoWish wish = {.size = sizeof wish, .rate_mhz = 1000000, .on_ready = on_ready};
        contexts[number].is_alive = 1;
        wish.context = &contexts[number];
        OK(kymo_hub_subscribe(hub, &wish, &subscribers[number], &why));
    }
    OK(kymo_hub_start(hub, &why));
    for (int number = 0; number < SUBSCRIBERS; number++) {
        /* It is called once for each time that it has found nothing. */
        for (int item_number = 0; item_number < 5; item_number++)
            while (kymo_subscriber_next(subscribers[number], 1, &item, &why) == KYMO_OK) {
            }
        kymo_subscriber_free(subscribers[number]);
        __atomic_store_n(&contexts[number].is_alive, 0, __ATOMIC_RELEASE);
        calls += __atomic_load_n(&contexts[number].calls, __ATOMIC_RELAXED);
    }
    sleep_ms(200);
    CHECK(calls >= SUBSCRIBERS);
    kymo_hub_free(hub);
    return 0;
}
