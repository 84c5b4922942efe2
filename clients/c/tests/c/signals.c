/* Signals are the program's: none of the hub's threads runs its handlers. */

#include <signal.h>

#include "test.h"

static volatile sig_atomic_t handled;

static void handle(int signal)
{
    (void)signal;
    handled = 1;
}

int main(int count, char **arguments)
{
    struct sigaction action = {.sa_handler = handle};
    KymoHubOptions options = {.size = sizeof options, .serves = KYMO_SERVES_SENSORS};
    KymoHub *hub = NULL;
    KymoSubscriber *subscriber;
    sigset_t set, pending, mask;

    (void)count;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    options.journal = kymo_text(below(arguments[1], "journal"));
    OK(kymo_hub_new(&options, &hub, &why));
    subscriber = subscribe(hub, KYMO_STREAM_SAMPLES, 0);
    OK(kymo_hub_start(hub, &why));
    until(subscriber, KYMO_ITEM_KIND_SAMPLES);
    /* This thread has the mask it had. */
    CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0 && !sigismember(&mask, SIGUSR1));
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    CHECK(kill(getpid(), SIGUSR1) == 0);
    sleep_ms(100);
    CHECK(!handled && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
    CHECK(pthread_sigmask(SIG_UNBLOCK, &set, NULL) == 0);
    CHECK(handled);
    kymo_subscriber_free(subscriber);
    kymo_hub_free(hub);
    return 0;
}
