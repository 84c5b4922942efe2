/* Looks at a hub in another process: watch [DIRECTORY [COUNT]] prints COUNT lines of vitals. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kymo.h"

static void print_vitals(const KymoItem *item)
{
    const KymoVitals *vitals = item->vitals;

    printf("%" PRIu64 " cpu", item->sequence);
    if (vitals->cpu_usage.state == KYMO_STATE_OK || vitals->cpu_usage.state == KYMO_STATE_HELD)
        printf(" %.1f %%", vitals->cpu_usage.value);
    else
        printf(" %s", kymo_state_name(vitals->cpu_usage.state).data);
    if (vitals->memory_used.value != KYMO_NO_COUNT)
        printf(", memory %" PRIu64 " MB", vitals->memory_used.value / 1000000);
    printf("\n");
    fflush(stdout);
}

int main(int count, char **arguments)
{
    KymoWish wish = {.size = sizeof wish, .rate_mhz = 5000};
    KymoText none = {NULL, 0}, directory = none;
    KymoClient *client;
    KymoToken token;
    KymoWhy why;
    const KymoItem *item;
    int left = count > 2 ? atoi(arguments[2]) : -1;

    if (count > 1)
        directory = kymo_text(arguments[1]);
    if (kymo_client_new(directory, &wish, none, &client, &why)) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    while (left != 0) {
        KymoError error = kymo_client_next(client, 5000, &item, &why);

        if (error == KYMO_NOTHING) {
            fprintf(stderr, "waiting: %s\n", why.text);
            continue;
        }
        if (error != KYMO_OK) {
            fprintf(stderr, "%s\n", why.text);
            break;
        }
        switch (item->kind) {
        case KYMO_ITEM_KIND_CONNECTED:
            printf("connected at %" PRIu32 " mHz\n", item->connected->rate_mhz);
            break;
        case KYMO_ITEM_KIND_VITALS:
            print_vitals(item);
            left -= left > 0;
            break;
        case KYMO_ITEM_KIND_EVENT:
            printf("event %.*s\n", (int)item->event->name.size, item->event->name.data);
            break;
        case KYMO_ITEM_KIND_GAP:
            printf("%" PRIu64 " frames are lost\n", item->gap->count);
            break;
        case KYMO_ITEM_KIND_FRESH:
            if (item->fresh)
                printf("all events after %s may be lost\n", item->fresh->text);
            break;
        case KYMO_ITEM_KIND_LOST:
            printf("lost: %s\n", kymo_lost_name(item->lost->reason).data);
            break;
        default: /* of a later version */
            break;
        }
    }
    /* To be kept: with it, the next run goes on where this one stopped. */
    if (kymo_client_token(client, &token) == KYMO_OK && token.text[0])
        printf("had %s\n", token.text);
    kymo_client_free(client);
    return left == 0 ? 0 : 1;
}
