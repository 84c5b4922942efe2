/* Serves a directory until its input ends. */

#include "test.h"

int main(int count, char **arguments)
{
    KymoHub *hub = make_hub(arguments[1], 0);
    (void)count;
    OK(kymo_hub_start(hub, &why));
    while (getchar() != EOF) {
    }
    kymo_hub_free(hub);
    return 0;
}
