/* Descriptors 0 to 2 are closed before the start: what the program prints goes nowhere, and not
 * into a socket or the journal. */

#include "test.h"

static int is_null(int fd)
{
    struct stat given, null;
    return fstat(fd, &given) == 0 && stat("/dev/null", &null) == 0 && given.st_rdev == null.st_rdev
        && S_ISCHR(given.st_mode);
}

int main(int count, char **arguments)
{
    KymoHubOptions options = {.size = sizeof options};
    KymoHub *hub = NULL;
    KymoPublisher *publisher;
    KymoClient *client;
    const KymoItem *item;

    (void)count;
    for (int fd = 0; fd <= 2; fd++)
        close(fd);
    options.directory = kymo_text(below(arguments[1], "hub"));
    options.journal = kymo_text(below(arguments[1], "journal"));
    OK(kymo_hub_new(&options, &hub, &why));
    for (int fd = 0; fd <= 2; fd++)
        CHECK(is_null(fd));
    for (int line = 0; line < 1000; line++)
        CHECK(write(line % 3, "what a program prints\n", 22) == 22);
    OK(kymo_hub_start(hub, &why));
    publisher = publisher_of(hub);
    client = client_of(below(arguments[1], "hub"), KYMO_STREAM_EVENTS, "");
    client_until(client, KYMO_ITEM_KIND_CONNECTED);
    OK(kymo_publish_text(publisher, kymo_text("a"), kymo_text("b")));
    do
        item = client_until(client, KYMO_ITEM_KIND_EVENT);
    while (!item->sequence);
    CHECK(is_text(item->event->data, "b"));
    kymo_publisher_free(publisher);
    kymo_client_free(client);
    kymo_hub_free(hub);
    /* They may be the program's by now. */
    for (int fd = 0; fd <= 2; fd++)
        CHECK(is_null(fd));
    return 0;
}
