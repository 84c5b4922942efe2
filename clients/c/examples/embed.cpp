// kymo in C++: handles that free themselves, texts that are views, errors that are thrown.

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "kymo.h"

namespace {

template <auto free_it> struct Free {
    template <class Handle> void operator()(Handle *handle) const { free_it(handle); }
};

using Hub = std::unique_ptr<KymoHub, Free<kymo_hub_free>>;
using Publisher = std::unique_ptr<KymoPublisher, Free<kymo_publisher_free>>;
using Subscriber = std::unique_ptr<KymoSubscriber, Free<kymo_subscriber_free>>;

KymoText text(std::string_view view) { return {view.data(), view.size()}; }

std::string_view view(KymoText text) { return {text.data, text.size}; }

void check(KymoError error, const KymoWhy &why)
{
    if (error != KYMO_OK)
        throw std::runtime_error(why.text);
}

Hub make_hub()
{
    KymoHubOptions options{};
    options.size = sizeof options;
    KymoHub *hub = nullptr;
    KymoWhy why;
    check(kymo_hub_new(&options, &hub, &why), why);
    return Hub(hub);
}

Subscriber subscribe(const Hub &hub, const KymoWish &wish)
{
    KymoSubscriber *subscriber = nullptr;
    KymoWhy why;
    check(kymo_hub_subscribe(hub.get(), &wish, &subscriber, &why), why);
    return Subscriber(subscriber);
}

Publisher publisher_of(const Hub &hub)
{
    KymoPublisher *publisher = nullptr;
    KymoWhy why;
    check(kymo_hub_publisher(hub.get(), false, &publisher, &why), why);
    return Publisher(publisher);
}

// A session that is said to the world, from any thread.
void dictate(const Publisher &publisher)
{
    kymo_publish_session_start(publisher.get(), 7);
    kymo_publish_state(publisher.get(), KYMO_APP_STATE_RECORDING);
    KymoEvent event{};
    event.size = sizeof event;
    event.kind = KYMO_EVENT_KIND_TRANSCRIPTION;
    event.data = text("Hello, world");
    event.present = KYMO_HAS_SESSION_ID | KYMO_HAS_WORDS;
    event.session_id = 7;
    event.words = 2;
    KymoWhy why;
    check(kymo_publish(publisher.get(), &event, &why), why);
    kymo_publish_session_end(publisher.get(), 7);
}

} // namespace

int main()
try {
    if (kymo_abi_version() != KYMO_ABI_VERSION)
        throw std::runtime_error("this program was made for another libkymo");
    Hub hub = make_hub();
    KymoWish wish{};
    wish.size = sizeof wish;
    wish.streams = KYMO_STREAM_EVENTS;
    Subscriber subscriber = subscribe(hub, wish);
    Publisher publisher = publisher_of(hub);
    KymoWhy why;
    check(kymo_hub_start(hub.get(), &why), why);
    std::thread speaker([&] { dictate(publisher); });
    const KymoItem *item = nullptr;
    bool is_spoken = false, is_over = false;
    while (!is_over) {
        check(kymo_subscriber_next(subscriber.get(), 20000, &item, &why), why);
        if (!item->event)
            continue;
        is_over = item->event->kind == KYMO_EVENT_KIND_SESSION_END;
        if (item->event->kind == KYMO_EVENT_KIND_TRANSCRIPTION) {
            const std::string_view time = view(item->event->name), said = view(item->event->data);
            std::printf("%.*s ", int(time.size()), time.data());
            std::printf("%.*s\n", int(said.size()), said.data());
            is_spoken = said == "Hello, world" && time.size() == 8 && item->event->words == 2;
        }
    }
    speaker.join();
    return is_spoken && is_over ? 0 : 1;
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
