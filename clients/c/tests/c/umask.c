/* A umask that takes everything, and one that takes nothing. As root it becomes nobody first, for
 * whom modes count. */

#include "test.h"

static void check_mode(const char *path, mode_t mode)
{
    struct stat found;
    if (stat(path, &found) || (found.st_mode & 0777) != mode)
        fprintf(stderr, "%s has mode %o\n", path, (unsigned)found.st_mode);
    CHECK((found.st_mode & 0777) == mode);
}

/* Starts, is used, stops, and starts again. */
static void run(const char *directory, const char *journal)
{
    for (int again = 0; again < 2; again++) {
        KymoHubOptions options = {.size = sizeof options};
        KymoHub *hub = NULL;
        KymoClient *client;
        options.directory = kymo_text(directory);
        options.journal = kymo_text(journal);
        OK(kymo_hub_new(&options, &hub, &why));
        OK(kymo_hub_start(hub, &why));
        check_mode(directory, 0700);
        check_mode(below(directory, "stream.sock"), 0600);
        check_mode(below(directory, "control.sock"), 0600);
        check_mode(journal, 0700);
        client = client_of(directory, 0, "");
        client_until(client, KYMO_ITEM_KIND_VITALS);
        kymo_client_free(client);
        OK(kymo_hub_stop(hub, &why));
        kymo_hub_free(hub);
    }
}

int main(int count, char **arguments)
{
    (void)count;
    if (geteuid() == 0) {
        CHECK(chown(arguments[1], 65534, 65534) == 0);
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    }
    umask(0777);
    run(below(arguments[1], "none"), below(arguments[1], "none-journal"));
    umask(0);
    run(below(arguments[1], "all"), below(arguments[1], "all-journal"));
    return umask(0) == 0 ? 0 : 1;
}
