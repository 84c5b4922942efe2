/* What the tests in C have in common. Each gets a directory of its own as its only argument. */

#ifndef TEST_H
#define TEST_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kymo.h"

/* Descriptors 1 and 2 may be closed, or taken: a failed check also has a number of its own. */
#define CHECK(what)                                                                  \
    do {                                                                             \
        if (!(what)) {                                                               \
            fprintf(stderr, "%s:%d: not so: %s", __FILE__, __LINE__, #what);         \
            fprintf(stderr, " (%s; errno %d)\n", why.text, errno);                   \
            _exit(__LINE__ % 200 + 2);                                               \
        }                                                                            \
    } while (0)

/* Calls that are to succeed, and what they say if they don't. */
#define OK(call) CHECK((call) == KYMO_OK)

static KymoWhy why;

static inline uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline void sleep_ms(unsigned ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&time, &time) && errno == EINTR) {
    }
}

/* DIRECTORY/NAME, which stays: each is kept once. */
static inline const char *below(const char *directory, const char *name)
{
    static char places[16][256];
    char place[256];
    int at = 0;
    CHECK((size_t)snprintf(place, sizeof place, "%s/%s", directory, name) < sizeof place);
    while (places[at][0] && strcmp(places[at], place) != 0)
        CHECK(++at < 16);
    return strcpy(places[at], place);
}

static inline struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CHECK(strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    return address;
}

/* A connection to a socket, or -1. */
static inline int dial(const char *path)
{
    struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline int is_text(KymoText text, const char *expected)
{
    return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

/* A hub with a directory, or without one; nothing else is set. */
static inline KymoHub *make_hub(const char *directory, uint32_t serves)
{
    KymoHubOptions options = {.size = sizeof options, .serves = serves};
    KymoHub *hub = NULL;
    options.directory = kymo_text(directory);
    OK(kymo_hub_new(&options, &hub, &why));
    return hub;
}

static inline KymoSubscriber *subscribe(KymoHub *hub, uint32_t streams, uint32_t rate_mhz)
{
    KymoWish wish = {.size = sizeof wish, .streams = streams, .rate_mhz = rate_mhz};
    KymoSubscriber *subscriber = NULL;
    OK(kymo_hub_subscribe(hub, &wish, &subscriber, &why));
    return subscriber;
}

static inline KymoPublisher *publisher_of(KymoHub *hub)
{
    KymoPublisher *publisher = NULL;
    OK(kymo_hub_publisher(hub, false, &publisher, &why));
    return publisher;
}

static inline KymoClient *client_of(const char *directory, uint32_t streams, const char *token)
{
    KymoWish wish = {.size = sizeof wish, .streams = streams, .rate_mhz = 100000};
    KymoClient *client = NULL;
    OK(kymo_client_new(kymo_text(directory), &wish, kymo_text(token), &client, &why));
    return client;
}

/* Reads until an item of this kind has come. */
static inline const KymoItem *until(KymoSubscriber *subscriber, KymoItemKind kind)
{
    const KymoItem *item = NULL;
    do
        OK(kymo_subscriber_next(subscriber, 20000, &item, &why));
    while (item->kind != kind);
    return item;
}

static inline const KymoItem *client_until(KymoClient *client, KymoItemKind kind)
{
    const KymoItem *item = NULL;
    do
        OK(kymo_client_next(client, 20000, &item, &why));
    while (item->kind != kind);
    return item;
}

/* How many entries a directory has, such as /proc/self/fd. */
static inline int count_of(const char *path)
{
    DIR *directory = opendir(path);
    int count = 0;
    CHECK(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}


#endif
