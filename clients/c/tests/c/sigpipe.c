/* SIGPIPE at its default: clients and servers go away in the middle of it, many times. */

#include "test.h"

enum { ROUNDS = 300 };

/* The hub writes from this thread, whose signals nobody has blocked. */
static void clients_go(const char *directory)
{
    KymoHubOptions options = {.size = sizeof options, .rate_mhz = 1000000};
    KymoHub *hub = NULL;
    KymoSubscriber *subscriber;
    options.directory = kymo_text(directory);
    OK(kymo_hub_new(&options, &hub, &why));
    subscriber = subscribe(hub, KYMO_STREAM_VITALS, 1000000);
    for (int round = 0; round < ROUNDS; round++) {
        int fd = dial(below(directory, "json.sock"));
        CHECK(fd >= 0);
        for (int turn = 0; turn < round % 5; turn++)
            OK(kymo_hub_turn(hub, 2, &why));
        /* Now there may be bytes that nobody reads, and more to come. */
        close(fd);
        OK(kymo_hub_turn(hub, 2, &why));
    }
    for (int turn = 0; turn < 10; turn++)
        OK(kymo_hub_turn(hub, 10, &why));
    until(subscriber, KYMO_ITEM_KIND_VITALS);
    /* One that went while nobody turned. */
    int late = dial(below(directory, "json.sock"));
    OK(kymo_hub_turn(hub, 2, &why));
    close(late);
    OK(kymo_hub_stop(hub, &why));
    kymo_hub_free(hub);
    kymo_subscriber_free(subscriber);
}

/* A server that hangs up on everybody, before they have said a word: with WRAPPED the connect of the
 * library is this program's own. */
static int listener = -1, refused;

#ifdef WRAPPED
int __real_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
    int outcome = __real_connect(fd, address, size);
    if (outcome == 0 && listener >= 0) {
        close(accept(listener, NULL, NULL));
        refused++;
    }
    return outcome;
}
#endif

static void servers_go(const char *directory)
{
    struct sockaddr_un address;
    KymoClient *client;
    const KymoItem *item;
    CHECK(mkdir(directory, 0700) == 0);
    address = address_of(below(directory, "stream.sock"));
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(listener, 8) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        client = client_of(directory, 0, "");
        CHECK(kymo_client_next(client, 0, &item, &why) == KYMO_NOTHING);
        kymo_client_free(client);
#ifndef WRAPPED
        close(accept(listener, NULL, NULL));
        refused++;
#endif
    }
    CHECK(refused >= ROUNDS);
}

int main(int count, char **arguments)
{
    (void)count;
    clients_go(below(arguments[1], "hub"));
    servers_go(below(arguments[1], "server"));
    return 0;
}
