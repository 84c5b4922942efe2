/* Callbacks that take their time, and callbacks that call back. */

#include "test.h"

static KymoHub *hub;
static KymoSubscriber *slow;
static int ready_calls, ready_errors, commands;

static void on_ready(void *context)
{
    const KymoItem *item;
    CHECK(context == &ready_calls);
    ready_calls++;
    sleep_ms(30);
    /* Not allowed, and no harm: this is the loop's thread, in the middle of a turn. */
    ready_errors += kymo_hub_turn(hub, 0, NULL) != KYMO_OK;
    (void)item;
}

static int32_t on_command(void *context, KymoAction action, KymoWhy *answer)
{
    CHECK(context == &commands && answer->text[0] == 0);
    commands++;
    sleep_ms(400);
    if (action == KYMO_ACTION_TOGGLE) {
        strcpy(answer->text, "my own way");
        return KYMO_HANDLED_DONE;
    }
    if (action == KYMO_ACTION_RELOAD) {
        memset(answer->text, 'x', sizeof answer->text);
        return KYMO_HANDLED_REFUSED;
    }
    return KYMO_HANDLED_NO;
}

static int answers(const char *directory, const char *request, const char *expected)
{
    char answer[4096];
    ssize_t size;
    int fd = dial(below(directory, "control.sock"));
    CHECK(fd >= 0 && write(fd, request, strlen(request)) == (ssize_t)strlen(request));
    size = read(fd, answer, sizeof answer - 1);
    CHECK(size > 0);
    answer[size] = 0;
    close(fd);
    if (!strstr(answer, expected))
        fprintf(stderr, "%s", answer);
    return strstr(answer, expected) != NULL;
}

int main(int count, char **arguments)
{
    const char *directory = below(arguments[1], "hub");
    KymoHubOptions options = {.size = sizeof options, .on_command = on_command};
    KymoWish wish = {.size = sizeof wish, .rate_mhz = 1000000, .on_ready = on_ready};
    KymoSubscriber *other;
    const KymoItem *item;
    uint64_t begun, merged = 0, sequence = 0, frames = 0;

    (void)count;
    options.directory = kymo_text(directory);
    options.context = &commands;
    wish.context = &ready_calls;
    wish.streams = KYMO_STREAM_VITALS;
    OK(kymo_hub_new(&options, &hub, &why));
    OK(kymo_hub_subscribe(hub, &wish, &slow, &why));
    other = subscribe(hub, KYMO_STREAM_VITALS, 1000000);
    OK(kymo_hub_start(hub, &why));
    begun = now_ns();
    while (now_ns() - begun < 1000000000) {
        OK(kymo_subscriber_next(other, 1000, &item, &why));
        if (item->vitals) {
            /* Ticks that were missed make no frame; what was made and not sent is told. */
            CHECK(item->sequence == sequence + 1 + item->vitals->merged);
            sequence = item->sequence;
            merged += item->vitals->merged;
            frames++;
        }
        while (kymo_subscriber_next(slow, 0, &item, &why) == KYMO_OK) {
        }
    }
    CHECK(frames > 10 && frames < 200 && ready_calls > 10);
    CHECK(ready_errors == ready_calls);
    CHECK(answers(directory, "{\"action\":\"toggle\"}", "my own way"));
    CHECK(answers(directory, "{\"action\":\"reload\"}", "xxxx"));
    CHECK(commands == 2);
    CHECK(answers(directory, "{\"action\":\"quit\"}", "success"));
    begun = now_ns();
    while (!kymo_hub_is_ended(hub) && now_ns() - begun < 5000000000)
        sleep_ms(5);
    CHECK(kymo_hub_is_ended(hub) && commands == 3);
    OK(kymo_hub_stop(hub, &why));
    kymo_hub_free(hub);
    kymo_subscriber_free(slow);
    kymo_subscriber_free(other);
    return 0;
}
