#ifndef KYMO_H
#define KYMO_H

/* Made from clients/c/src; `scripts/header` makes it anew. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * The version of this interface. Another one means that programs are to be compiled again; what is
 * only added leaves it as it is.
 */
#define KYMO_ABI_VERSION 1

/**
 * Bytes of the words about an error, the NUL included.
 */
#define KYMO_WHY_SIZE 256

/**
 * Bytes of a token as text, the NUL included.
 */
#define KYMO_TOKEN_SIZE 56

/**
 * Stands for a whole number that there is none of: a value is 0 only where 0 was read.
 */
#define KYMO_NO_COUNT UINT64_MAX

/**
 * Fans that there is room for.
 */
#define KYMO_FANS_MAX 8

/**
 * What a call came to. Only ::KYMO_OK has done what was asked, and what a call hands out is
 * written with ::KYMO_OK alone. A later version may have more of them.
 *
 */
enum KymoError
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It is done.
   */
  KYMO_OK = 0,
  /**
   * There is nothing now, or was not in the time given.
   */
  KYMO_NOTHING = 1,
  /**
   * Nothing will come any more: the loop, or the connection, has ended.
   */
  KYMO_ENDED = 2,
  /**
   * There is no room now: for an event, or for a client.
   */
  KYMO_FULL = 3,
  /**
   * An event is longer than any may be.
   */
  KYMO_TOO_LONG = 4,
  /**
   * An argument can't be: a null pointer, a text that is no UTF-8, a number out of its range.
   */
  KYMO_INVALID = 5,
  /**
   * Not in this state: a hub that has begun takes no more subscribers.
   */
  KYMO_STATE = 6,
  /**
   * Another thread is in a call with this handle, or this one is in a callback of it.
   */
  KYMO_BUSY = 7,
  /**
   * Another process, or another hub of this one, serves that directory.
   */
  KYMO_TAKEN = 8,
  /**
   * The directory can't be trusted, or the server may not be used by this user.
   */
  KYMO_DENIED = 9,
  /**
   * Nobody listens there.
   */
  KYMO_UNREACHABLE = 10,
  /**
   * The server said no.
   */
  KYMO_REFUSED = 11,
  /**
   * What came is not kymo's protocol.
   */
  KYMO_PROTOCOL = 12,
  /**
   * The operating system refused something.
   */
  KYMO_SYSTEM = 13,
  /**
   * The handle belongs to the process that this one was forked from.
   */
  KYMO_FORKED = 14,
  /**
   * A mistake of kymo's own. The handle answers with this from then on; free it.
   */
  KYMO_PANIC = 15,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoError KymoError;
#else
typedef int32_t KymoError;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an item is, and so which of its pointers is not NULL. A later version may have more.
 */
enum KymoItemKind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The subscription was granted: the first item, and of a client the first of each connection.
   */
  KYMO_ITEM_KIND_CONNECTED = 1,
  /**
   * The machine's vitals.
   */
  KYMO_ITEM_KIND_VITALS = 2,
  /**
   * What sensors read.
   */
  KYMO_ITEM_KIND_SAMPLES = 3,
  /**
   * What the sensors are.
   */
  KYMO_ITEM_KIND_CATALOG = 4,
  /**
   * The processes that take most.
   */
  KYMO_ITEM_KIND_PROCESSES = 5,
  /**
   * An application's event.
   */
  KYMO_ITEM_KIND_EVENT = 6,
  /**
   * Frames that will not come.
   */
  KYMO_ITEM_KIND_GAP = 7,
  /**
   * Of clients: the history of events is not continued, and what is known of another one is to
   * be forgotten. Where `fresh` is not NULL every event after it may be lost.
   */
  KYMO_ITEM_KIND_FRESH = 8,
  /**
   * The connection ended.
   */
  KYMO_ITEM_KIND_LOST = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoItemKind KymoItemKind;
#else
typedef uint32_t KymoItemKind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How a connection continues the history of events.
 */
enum KymoResumed
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * No events were asked for.
   */
  KYMO_RESUMED_NO_EVENTS = 0,
  /**
   * Every event since follows.
   */
  KYMO_RESUMED_TAIL = 1,
  /**
   * Some are gone: a gap says which, a snapshot follows.
   */
  KYMO_RESUMED_GAP = 2,
  /**
   * It does not.
   */
  KYMO_RESUMED_FRESH = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoResumed KymoResumed;
#else
typedef uint32_t KymoResumed;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What is known about a value.
 */
enum KymoState
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Read as its source delivers it; the age says when.
   */
  KYMO_STATE_OK = 0,
  /**
   * Not known yet: a rate needs a second reading, a source its first.
   */
  KYMO_STATE_PENDING = 1,
  /**
   * The last value that was read; its source does not answer now, and the age grows.
   */
  KYMO_STATE_HELD = 2,
  /**
   * The device sleeps, and reading would wake it.
   */
  KYMO_STATE_ASLEEP = 3,
  /**
   * The device answers with the parked value of a part that is switched off.
   */
  KYMO_STATE_GATED = 4,
  /**
   * The source answered with an error, or with something that can't be true.
   */
  KYMO_STATE_FAULT = 5,
  /**
   * The operating system refuses the read to this user.
   */
  KYMO_STATE_DENIED = 6,
  /**
   * This machine, or this build, has no such source.
   */
  KYMO_STATE_ABSENT = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoState KymoState;
#else
typedef uint32_t KymoState;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why frames are missing.
 */
enum KymoGapReason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The subscriber was slower than the ring is long.
   */
  KYMO_GAP_REASON_LAPPED = 0,
  /**
   * The journal no longer keeps them.
   */
  KYMO_GAP_REASON_RETENTION = 1,
  /**
   * The journal was damaged there.
   */
  KYMO_GAP_REASON_DAMAGE = 2,
  /**
   * They were sent while the journal could not be written.
   */
  KYMO_GAP_REASON_UNJOURNALLED = 3,
  /**
   * They were made while there was no connection; telemetry can't be asked for again.
   */
  KYMO_GAP_REASON_DISCONNECTED = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoGapReason KymoGapReason;
#else
typedef uint32_t KymoGapReason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How a connection ended.
 */
enum KymoLostReason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The hub stops, and said so.
   */
  KYMO_LOST_REASON_SHUTDOWN = 0,
  /**
   * The subscriber took no byte for too long.
   */
  KYMO_LOST_REASON_STALLED = 1,
  /**
   * The hub is full.
   */
  KYMO_LOST_REASON_LIMIT = 2,
  /**
   * The subscriber did not say in time what it wants.
   */
  KYMO_LOST_REASON_DEADLINE = 3,
  /**
   * Without a word, as when a server is killed.
   */
  KYMO_LOST_REASON_ENDED = 4,
  /**
   * The server said nothing for too long.
   */
  KYMO_LOST_REASON_SILENT = 5,
  /**
   * The operating system says that it is broken.
   */
  KYMO_LOST_REASON_BROKEN = 6,
  /**
   * What came is not kymo's protocol.
   */
  KYMO_LOST_REASON_PROTOCOL = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoLostReason KymoLostReason;
#else
typedef uint32_t KymoLostReason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What the owner of a hub asks for.
 */
enum KymoAction
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * A session to begin, or the running one to end.
   */
  KYMO_ACTION_TOGGLE = 5,
  /**
   * The settings to be read again.
   */
  KYMO_ACTION_RELOAD = 7,
  /**
   * The loop to stop.
   */
  KYMO_ACTION_QUIT = 8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoAction KymoAction;
#else
typedef uint32_t KymoAction;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an application is doing.
 */
enum KymoAppState
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * It is not said.
   */
  KYMO_APP_STATE_NONE = 0,
  /**
   * Nothing.
   */
  KYMO_APP_STATE_IDLE = 1,
  /**
   * Taking something in.
   */
  KYMO_APP_STATE_RECORDING = 2,
  /**
   * Working on what it took in.
   */
  KYMO_APP_STATE_PROCESSING = 3,
  /**
   * It can't.
   */
  KYMO_APP_STATE_ERROR = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoAppState KymoAppState;
#else
typedef uint32_t KymoAppState;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an event is.
 */
enum KymoEventKind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Anything about a topic of the application's own: a name and data.
   */
  KYMO_EVENT_KIND_CUSTOM = 0,
  /**
   * A session begins: a session_id, or none.
   */
  KYMO_EVENT_KIND_SESSION_START = 1,
  /**
   * A session ends: the same.
   */
  KYMO_EVENT_KIND_SESSION_END = 2,
  /**
   * The application's state is another now: a state.
   */
  KYMO_EVENT_KIND_STATE_CHANGE = 3,
  /**
   * A piece of recognised speech: text, session_id, words, wpm, latency_ms. Its name is the time
   * of day; where it is empty it is filled in.
   */
  KYMO_EVENT_KIND_TRANSCRIPTION = 4,
  /**
   * Figures about the running session: a state, and all numbers but retry_count.
   */
  KYMO_EVENT_KIND_METRICS_UPDATE = 5,
  /**
   * A hook has something to tell: its name, and data that is JSON; retry_count.
   */
  KYMO_EVENT_KIND_NOTIFICATION = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoEventKind KymoEventKind;
#else
typedef uint32_t KymoEventKind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an event's data is.
 */
enum KymoForm
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * UTF-8.
   */
  KYMO_FORM_TEXT = 0,
  /**
   * One JSON value.
   */
  KYMO_FORM_JSON = 1,
  /**
   * Anything.
   */
  KYMO_FORM_BYTES = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoForm KymoForm;
#else
typedef uint32_t KymoForm;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a program has done with an action.
 */
enum KymoHandled
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Nothing: kymo is to do what it does by itself.
   */
  KYMO_HANDLED_NO = 0,
  /**
   * It is done.
   */
  KYMO_HANDLED_DONE = 1,
  /**
   * It can't be done.
   */
  KYMO_HANDLED_REFUSED = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoHandled KymoHandled;
#else
typedef int32_t KymoHandled;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Bits of KymoEvent.present: which numbers an event has.
 */
enum KymoHas
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * session_id.
   */
  KYMO_HAS_SESSION_ID = 1,
  /**
   * segments.
   */
  KYMO_HAS_SEGMENTS = 2,
  /**
   * words.
   */
  KYMO_HAS_WORDS = 4,
  /**
   * retry_count.
   */
  KYMO_HAS_RETRY_COUNT = 8,
  /**
   * wpm.
   */
  KYMO_HAS_WPM = 16,
  /**
   * duration_s.
   */
  KYMO_HAS_DURATION_S = 32,
  /**
   * latency_ms.
   */
  KYMO_HAS_LATENCY_MS = 64,
  /**
   * gpu_memory_mb.
   */
  KYMO_HAS_GPU_MEMORY_MB = 128,
  /**
   * gpu_memory_percent.
   */
  KYMO_HAS_GPU_MEMORY_PERCENT = 256,
  /**
   * cpu_percent.
   */
  KYMO_HAS_CPU_PERCENT = 512,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoHas KymoHas;
#else
typedef uint32_t KymoHas;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Bits of KymoHubOptions.serves: what a hub serves beside vitals and events.
 */
enum KymoServes
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Every sensor of this machine. Where one may keep its reader waiting, the hub has two threads
   * more.
   */
  KYMO_SERVES_SENSORS = 1,
  /**
   * The processes that use most.
   */
  KYMO_SERVES_PROCESSES = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoServes KymoServes;
#else
typedef uint32_t KymoServes;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The streams, as bits: of KymoWish.streams, and of the items that belong to one.
 */
enum KymoStream
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The machine's vitals.
   */
  KYMO_STREAM_VITALS = 1,
  /**
   * What sensors read, group by group, and the catalog that names them.
   */
  KYMO_STREAM_SAMPLES = 2,
  /**
   * The processes that take most.
   */
  KYMO_STREAM_PROCESSES = 4,
  /**
   * The application's events.
   */
  KYMO_STREAM_EVENTS = 8,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KymoStream KymoStream;
#else
typedef uint32_t KymoStream;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A subscriber over a socket. It connects again when the hub goes away, events go on where they
 * stood, and what is lost is told. One thread at a time may be in a call with it, whichever it is;
 * another one is told ::KYMO_BUSY.
 */
typedef struct KymoClient KymoClient;

/**
 * A hub. One thread at a time may be in a call with it, whichever it is; another one is told
 * ::KYMO_BUSY. kymo_hub_ask_to_stop() and kymo_hub_fd() are for any thread at any time.
 */
typedef struct KymoHub KymoHub;

/**
 * A publisher. Any thread, and any number of them at once. Publishing never waits for room,
 * allocates nothing, and is not for signal handlers. It may outlive its hub: ::KYMO_ENDED then.
 */
typedef struct KymoPublisher KymoPublisher;

/**
 * A subscriber in the process of its hub. One thread at a time may be in a call with it, whichever
 * it is; another one is told ::KYMO_BUSY. It may outlive its hub: ::KYMO_ENDED then, behind what
 * still waits. One that is not read keeps the hub from nothing, and is told what it missed.
 */
typedef struct KymoSubscriber KymoSubscriber;

/**
 * A text, or bytes: where they begin, and how many they are. No NUL is needed behind them, and
 * none stands there but behind those of kymo_error_text() and of the functions that name a number.
 * Text is UTF-8. A text of no bytes may have a null pointer.
 *
 * Those that are given to kymo are copied before the call returns. Print one with
 * `printf("%.*s", (int)text.size, text.data)`.
 */
typedef struct KymoText {
  /**
   * The first byte.
   */
  const char *data;
  /**
   * How many there are.
   */
  size_t size;
} KymoText;

/**
 * Is called when a subscriber that found nothing has something again, or will have nothing any
 * more. On the loop's thread, which it must not keep waiting, or that of who frees the hub. It may
 * not call anything with that subscriber. When kymo_subscriber_free() has returned it is not
 * running, and will not be called.
 */
typedef void (*KymoReady)(void *context);

/**
 * What a subscriber wants. All zeros but the size: vitals and all events, at the hub's rate.
 */
typedef struct KymoWish {
  /**
   * `sizeof(KymoWish)`.
   */
  uint32_t size;
  /**
   * Bits of ::KymoStream; 0 for vitals and events.
   */
  uint32_t streams;
  /**
   * How often, in thousandths of a hertz; 0 for the hub's own rate.
   */
  uint32_t rate_mhz;
  /**
   * 1 for each frame of telemetry in order, with gaps, instead of the newest.
   */
  uint32_t every;
  /**
   * Patterns of topics, such as `build.*`; none for all events.
   */
  const struct KymoText *topics;
  /**
   * How many there are.
   */
  size_t topics_count;
  /**
   * Groups of sensors, such as `hwmon*`; none for all. What nobody wants is not read.
   */
  const struct KymoText *groups;
  /**
   * How many there are.
   */
  size_t groups_count;
  /**
   * May be NULL. Not for clients.
   */
  KymoReady on_ready;
  /**
   * Handed to it.
   */
  void *context;
} KymoWish;

/**
 * In words what a call came to: UTF-8 that ends in NUL, cut where it is too long, and empty with
 * ::KYMO_OK. Lies with the caller; wherever one is taken, NULL says that nobody wants to know.
 */
typedef struct KymoWhy {
  /**
   * The words.
   */
  char text[KYMO_WHY_SIZE];
} KymoWhy;

/**
 * A subscription that was granted.
 */
typedef struct KymoConnected {
  /**
   * Identity of the history of events.
   */
  uint8_t epoch[16];
  /**
   * Identity of this start of the hub.
   */
  uint8_t run[16];
  /**
   * Granted rate in thousandths of a hertz.
   */
  uint32_t rate_mhz;
  /**
   * How the events go on.
   */
  KymoResumed resumed;
  /**
   * Whether the hub has started since the last connection: then its telemetry has begun again
   * at 1. False the first time.
   */
  bool is_new_run;
} KymoConnected;

/**
 * A measure. NaN where ::KymoState says that there is none.
 */
typedef struct KymoReal {
  /**
   * In the unit of the field.
   */
  double value;
  /**
   * What is known about it.
   */
  KymoState state;
  /**
   * Milliseconds between the reading and the frame.
   */
  uint32_t age_ms;
} KymoReal;

/**
 * A whole number. ::KYMO_NO_COUNT where ::KymoState says that there is none.
 */
typedef struct KymoCount {
  /**
   * In the unit of the field.
   */
  uint64_t value;
  /**
   * What is known about it.
   */
  KymoState state;
  /**
   * Milliseconds between the reading and the frame.
   */
  uint32_t age_ms;
} KymoCount;

/**
 * Tasks that run or wait, on average. NaN where the state says that there is no value.
 */
typedef struct KymoLoad {
  /**
   * Over one minute.
   */
  double one;
  /**
   * Over five minutes.
   */
  double five;
  /**
   * Over fifteen minutes.
   */
  double fifteen;
  /**
   * What is known about them.
   */
  KymoState state;
  /**
   * Milliseconds between the reading and the frame.
   */
  uint32_t age_ms;
} KymoLoad;

/**
 * Fans.
 */
typedef struct KymoFans {
  /**
   * Revolutions a minute of the first `count`.
   */
  uint32_t rpm[KYMO_FANS_MAX];
  /**
   * How many there are; 0 where the state says that there is no value.
   */
  uint32_t count;
  /**
   * What is known about them.
   */
  KymoState state;
  /**
   * Milliseconds between the reading and the frame.
   */
  uint32_t age_ms;
} KymoFans;

/**
 * How the machine feels. NaN where the state says that there is no value.
 */
typedef struct KymoMomentum {
  /**
   * From 0 to 1.
   */
  double intensity;
  /**
   * Relative: 0.5 idle, 1.5 active, 3 critical.
   */
  double rotation_speed;
  /**
   * 0 idle, 1 active, 2 critical.
   */
  uint32_t color;
  /**
   * What is known about it.
   */
  KymoState state;
  /**
   * Milliseconds between the reading and the frame.
   */
  uint32_t age_ms;
} KymoMomentum;

/**
 * The machine's vitals, each with its state and its age.
 */
typedef struct KymoVitals {
  /**
   * Percent of all CPUs.
   */
  struct KymoReal cpu_usage;
  /**
   * Percent.
   */
  struct KymoReal memory_usage;
  /**
   * Bytes.
   */
  struct KymoCount memory_total;
  /**
   * Bytes.
   */
  struct KymoCount memory_used;
  /**
   * Bytes.
   */
  struct KymoCount swap_total;
  /**
   * Bytes.
   */
  struct KymoCount swap_used;
  /**
   * Tasks.
   */
  struct KymoLoad load;
  /**
   * Percent of the root file system.
   */
  struct KymoReal disk_usage;
  /**
   * Bytes since boot.
   */
  struct KymoCount disk_read_bytes;
  /**
   * Bytes since boot.
   */
  struct KymoCount disk_write_bytes;
  /**
   * Bytes since boot.
   */
  struct KymoCount network_rx_bytes;
  /**
   * Bytes since boot.
   */
  struct KymoCount network_tx_bytes;
  /**
   * Degrees Celsius of the CPU.
   */
  struct KymoReal temperature;
  /**
   * Degrees Celsius of the graphics processor.
   */
  struct KymoReal gpu_temperature;
  /**
   * The machine's fans.
   */
  struct KymoFans fans;
  /**
   * Watts of the whole machine.
   */
  struct KymoReal power_watts;
  /**
   * Percent.
   */
  struct KymoReal battery_charge;
  /**
   * Processes, not threads.
   */
  struct KymoCount process_count;
  /**
   * Nanoseconds.
   */
  struct KymoCount uptime_ns;
  /**
   * From the CPU and the memory.
   */
  struct KymoMomentum momentum;
  /**
   * 0 healthy, 1 elevated, 2 critical.
   */
  struct KymoCount system_state;
  /**
   * Frames due to this subscriber that this one replaces.
   */
  uint32_t merged;
} KymoVitals;

/**
 * What one sensor reads.
 */
typedef struct KymoSample {
  /**
   * In the unit of the sensor. NaN where the state says that there is no value.
   */
  double value;
  /**
   * Of the sensor, within the topology.
   */
  uint32_t id;
  /**
   * What is known about the value.
   */
  KymoState state;
  /**
   * Milliseconds between the reading and the frame.
   */
  uint32_t age_ms;
  /**
   * 0.
   */
  uint32_t reserved;
} KymoSample;

/**
 * What the sensors of a group read, or of a part of one.
 */
typedef struct KymoSamples {
  /**
   * Of the catalog that names the sensors: with another one these samples mean nothing.
   */
  uint32_t topology;
  /**
   * From 1 to `parts`.
   */
  uint32_t part;
  /**
   * Frames that the group's samples take.
   */
  uint32_t parts;
  /**
   * Frames of this group and part due to this subscriber that this one replaces.
   */
  uint32_t merged;
  /**
   * The group's name, such as `hwmon`.
   */
  struct KymoText group;
  /**
   * The samples.
   */
  const struct KymoSample *samples;
  /**
   * How many there are.
   */
  size_t count;
} KymoSamples;

/**
 * One of the names and values that tell sensors of one metric apart, as OpenTelemetry names them.
 */
typedef struct KymoAttribute {
  /**
   * Such as `hw.id`.
   */
  struct KymoText key;
  /**
   * Its value.
   */
  struct KymoText value;
} KymoAttribute;

/**
 * One sensor. Its texts are the server's: clean them before a terminal shows them.
 */
typedef struct KymoSensor {
  /**
   * Stands for it in samples, within one topology.
   */
  uint32_t id;
  /**
   * Number of its metric, which may be of a later server.
   */
  uint32_t metric;
  /**
   * How its values behave: 0 gauge, 1 counter, 2 a sum that parts join and leave.
   */
  uint32_t instrument;
  /**
   * What reading it costs: 0 cheap, 1 moderate, 2 costly, 3 harmful.
   */
  uint32_t cost;
  /**
   * What it measures: 0 the machine, 1 the control group that the server is in.
   */
  uint32_t scope;
  /**
   * How often the device itself has something new, in milliseconds; 0 when nobody knows.
   */
  uint32_t cadence_ms;
  /**
   * The group it is subscribed by, such as `hwmon`.
   */
  struct KymoText group;
  /**
   * Its metric's name, such as `hw.temperature`.
   */
  struct KymoText name;
  /**
   * The unit of its values, in UCUM.
   */
  struct KymoText unit;
  /**
   * What the device's own makers call it; may be empty.
   */
  struct KymoText label;
  /**
   * A path that names it also after a restart: what to store, unlike the id.
   */
  struct KymoText identity;
  /**
   * What tells it from others of its metric.
   */
  const struct KymoAttribute *attributes;
  /**
   * How many there are.
   */
  size_t attributes_count;
} KymoSensor;

/**
 * The sensors, or a part of them: parts come in order.
 */
typedef struct KymoCatalog {
  /**
   * Another number means that sensors came or went, and that ids mean others.
   */
  uint32_t topology;
  /**
   * Sensors in the whole list.
   */
  uint32_t total;
  /**
   * Index in the list of the first one here.
   */
  uint32_t first;
  /**
   * Sensors that are there and found no place in the server's table.
   */
  uint32_t omitted;
  /**
   * The sensors of this part.
   */
  const struct KymoSensor *sensors;
  /**
   * How many there are.
   */
  size_t count;
  /**
   * Whether the list ends here.
   */
  bool is_last;
} KymoCatalog;

/**
 * One process. Its name is what it gave itself: clean it before a terminal shows it.
 */
typedef struct KymoProcess {
  /**
   * Its number, as the server sees it. It may be used again; with the start it is not.
   */
  uint32_t pid;
  /**
   * Its user.
   */
  uint32_t uid;
  /**
   * When it started, on the boot clock.
   */
  uint64_t start_ns;
  /**
   * Bytes of it in memory.
   */
  uint64_t memory;
  /**
   * Percent of one CPU; NaN while it is not known.
   */
  double cpu;
  /**
   * Its name.
   */
  struct KymoText name;
  /**
   * From 1; 0 for none.
   */
  uint32_t rank_by_cpu;
  /**
   * From 1; 0 for none.
   */
  uint32_t rank_by_memory;
  /**
   * A letter, as `ps` shows it; `?` when it is unknown.
   */
  uint32_t state;
  /**
   * 0.
   */
  uint32_t reserved;
} KymoProcess;

/**
 * The processes that take most.
 */
typedef struct KymoProcesses {
  /**
   * Processes that were looked at; the age is that of the oldest entry.
   */
  struct KymoCount total;
  /**
   * How many are ranked by cpu.
   */
  uint32_t by_cpu;
  /**
   * How many are ranked by memory.
   */
  uint32_t by_memory;
  /**
   * Frames due to this subscriber that this one replaces.
   */
  uint32_t merged;
  /**
   * Whether there are processes that were not looked at.
   */
  bool is_truncated;
  /**
   * The processes, in any order; the ranks tell.
   */
  const struct KymoProcess *processes;
  /**
   * How many there are.
   */
  size_t count;
} KymoProcesses;

/**
 * An event. Of numbers only those count whose bit of ::KymoHas stands in `present`.
 */
typedef struct KymoEvent {
  /**
   * `sizeof(KymoEvent)`. What is 0 besides means that it is not said.
   */
  uint32_t size;
  /**
   * A ::KymoEventKind.
   */
  uint32_t kind;
  /**
   * A ::KymoAppState.
   */
  uint32_t state;
  /**
   * A ::KymoForm: of the data.
   */
  uint32_t form;
  /**
   * Bits of ::KymoHas.
   */
  uint32_t present;
  /**
   * Whether it is told again to a newcomer. Does not count on the way in.
   */
  uint32_t is_catchup;
  /**
   * Nanoseconds since 1970. On the way in 0 becomes the time at which the loop takes it.
   */
  uint64_t wall_ns;
  /**
   * Topic of a custom event, hook of a notification, time of day of a transcription. Topics that
   * begin with `kymo.` are kymo's own.
   */
  struct KymoText name;
  /**
   * Its data.
   */
  struct KymoText data;
  /**
   * The session it belongs to.
   */
  uint64_t session_id;
  /**
   * Pieces of speech in the session.
   */
  uint64_t segments;
  /**
   * Words.
   */
  uint64_t words;
  /**
   * How often a notification was tried before.
   */
  uint64_t retry_count;
  /**
   * Words per minute.
   */
  double wpm;
  /**
   * Length of the session.
   */
  double duration_s;
  /**
   * Time from speech to text.
   */
  double latency_ms;
  /**
   * Memory of the graphics processor in use.
   */
  double gpu_memory_mb;
  /**
   * The same as a share.
   */
  double gpu_memory_percent;
  /**
   * Share of the processors in use.
   */
  double cpu_percent;
} KymoEvent;

/**
 * Frames that will not come, where they would have stood. Each is told once.
 */
typedef struct KymoGap {
  /**
   * Sequence of the first.
   */
  uint64_t first;
  /**
   * Sequence of the last.
   */
  uint64_t last;
  /**
   * How many would have come; at most as many as lie between.
   */
  uint64_t count;
  /**
   * Of which stream.
   */
  uint32_t stream;
  /**
   * Why.
   */
  KymoGapReason reason;
} KymoGap;

/**
 * The last event that somebody has, as text that ends in NUL: everything after it can be asked
 * for, also in another run of the program. Empty where nothing is known of the history.
 */
typedef struct KymoToken {
  /**
   * 32 hexadecimal digits, a colon and a number.
   */
  char text[KYMO_TOKEN_SIZE];
} KymoToken;

/**
 * How a connection ended. A client connects again; a subscriber in the process has nothing more.
 */
typedef struct KymoLost {
  /**
   * Why.
   */
  KymoLostReason reason;
} KymoLost;

/**
 * One thing that a subscriber has to tell. It and all it points to stay until the next call with
 * the same subscriber.
 */
typedef struct KymoItem {
  /**
   * What it is.
   */
  KymoItemKind kind;
  /**
   * The ::KymoStream of a frame; 0 for none.
   */
  uint32_t stream;
  /**
   * Position in the stream, from 1; 0 for a snapshot and where there is none.
   */
  uint64_t sequence;
  /**
   * When the frame was made: nanoseconds on the boot clock; 0 for what is none.
   */
  uint64_t boot_ns;
  /**
   * The same in nanoseconds since 1970.
   */
  uint64_t wall_ns;
  /**
   * Of ::KYMO_ITEM_KIND_CONNECTED.
   */
  const struct KymoConnected *connected;
  /**
   * Of ::KYMO_ITEM_KIND_VITALS.
   */
  const struct KymoVitals *vitals;
  /**
   * Of ::KYMO_ITEM_KIND_SAMPLES.
   */
  const struct KymoSamples *samples;
  /**
   * Of ::KYMO_ITEM_KIND_CATALOG.
   */
  const struct KymoCatalog *catalog;
  /**
   * Of ::KYMO_ITEM_KIND_PROCESSES.
   */
  const struct KymoProcesses *processes;
  /**
   * Of ::KYMO_ITEM_KIND_EVENT.
   */
  const struct KymoEvent *event;
  /**
   * Of ::KYMO_ITEM_KIND_GAP.
   */
  const struct KymoGap *gap;
  /**
   * Of ::KYMO_ITEM_KIND_FRESH: what was had of the history before, if anything.
   */
  const struct KymoToken *fresh;
  /**
   * Of ::KYMO_ITEM_KIND_LOST.
   */
  const struct KymoLost *lost;
} KymoItem;

/**
 * Is called with a sentence that a program may want to log. On the loop's thread, which it must
 * not keep waiting: ticks that pass meanwhile are counted as missed.
 */
typedef void (*KymoReport)(void *context, struct KymoText text);

/**
 * Is asked before kymo does what its owner asks for over the control socket, and answers with a
 * ::KymoHandled; `answer` is for a word about it, and empty at first. On the loop's thread, which
 * it must not keep waiting.
 */
typedef int32_t (*KymoCommand)(void *context, KymoAction action, struct KymoWhy *answer);

/**
 * What a program wants of a hub. All zeros but the size: vitals and events for subscribers in the
 * process, and no socket.
 */
typedef struct KymoHubOptions {
  /**
   * `sizeof(KymoHubOptions)`.
   */
  uint32_t size;
  /**
   * Bits of ::KymoServes.
   */
  uint32_t serves;
  /**
   * Rate of subscribers that name none, in thousandths of a hertz; 0 for 25,000.
   */
  uint32_t rate_mhz;
  /**
   * Clients held at once; 0 for 256.
   */
  uint32_t clients;
  /**
   * Where to listen, on stream.sock, json.sock and control.sock: a directory, made if it is
   * missing; empty for nowhere.
   */
  struct KymoText directory;
  /**
   * Where to keep events over restarts: an absolute directory, made if it is missing; empty for
   * nowhere.
   */
  struct KymoText journal;
  /**
   * Bytes of the journal; 0 for 4 MiB.
   */
  uint32_t journal_bytes;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * May be NULL.
   */
  KymoReport on_report;
  /**
   * May be NULL.
   */
  KymoCommand on_command;
  /**
   * Handed to both.
   */
  void *context;
} KymoHubOptions;

/**
 * What became of events, of all publishers of a hub together.
 */
typedef struct KymoCounts {
  /**
   * Taken in.
   */
  uint64_t published;
  /**
   * Not taken in, whatever the error.
   */
  uint64_t refused;
  /**
   * Taken in, and dropped for newer ones.
   */
  uint64_t dropped;
} KymoCounts;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the interface that the library has, to be compared with ::KYMO_ABI_VERSION. Any
 * thread.
 */
uint32_t kymo_abi_version(void);

/**
 * Makes a client of the hub in `directory`; of the first one in the usual places where that is
 * empty, for which the environment is read. `token` is the last event that is had, as
 * kymo_client_token() has told it; empty for none. It connects with the first
 * kymo_client_next(), and waits for a hub where there is none. Any thread.
 */
KymoError kymo_client_new(struct KymoText directory,
                          const struct KymoWish *wish,
                          struct KymoText token,
                          struct KymoClient **client,
                          struct KymoWhy *why);

/**
 * Hands out the next item, which stays until the next call with this client. Waits for it, at most
 * so many milliseconds and with -1 as long as it takes; ::KYMO_NOTHING when none came, with a word
 * about what is in the way. A server that refuses is an error; the next call tries again when its
 * time has come. One thread at a time.
 */
KymoError kymo_client_next(const struct KymoClient *client,
                           int32_t timeout_ms,
                           const struct KymoItem **item,
                           struct KymoWhy *why);

/**
 * A descriptor that can be read when there may be an item; the same as long as the client lives,
 * whatever it is connected to, and not to be closed. Then call kymo_client_next() with 0 until it
 * has nothing. -1 for NULL. Any thread.
 */
int32_t kymo_client_fd(const struct KymoClient *client);

/**
 * How many milliseconds to wait at most for the descriptor before the next kymo_client_next(): as
 * poll() takes them, and so -1 for as long as it likes. One thread at a time.
 */
KymoError kymo_client_timeout(const struct KymoClient *client, int32_t *timeout_ms);

/**
 * The last event that was told, to be kept for another run of the program: ask for it when that
 * event is dealt with. One thread at a time.
 */
KymoError kymo_client_token(const struct KymoClient *client, struct KymoToken *token);

/**
 * Frees a client and its items; NULL is fine. Not while another thread is in a call with it.
 */
void kymo_client_free(struct KymoClient *client);

/**
 * What a code means, in words that end in NUL and stay for ever. Any thread.
 */
struct KymoText kymo_error_text(int32_t error);

/**
 * Makes a hub: opens its sensors, sockets and journal, and allocates all that it will need. It
 * does nothing yet: either kymo_hub_start() gives it a thread, or the program calls
 * kymo_hub_turn(). Any thread; nothing may change the environment meanwhile.
 *
 * Where descriptors 0, 1 or 2 are closed they are opened on /dev/null first, and stay so, lest
 * what a program prints goes into a socket. Threads of the hub have all signals blocked.
 */
KymoError kymo_hub_new(const struct KymoHubOptions *options,
                       struct KymoHub **hub,
                       struct KymoWhy *why);

/**
 * Gives the hub a thread of its own, named `kymo`, until kymo_hub_stop(). One thread at a time.
 */
KymoError kymo_hub_start(const struct KymoHub *hub, struct KymoWhy *why);

/**
 * A descriptor that can be read when kymo_hub_turn() has something to do; the same as long as the
 * hub lives, and not to be closed. -1 for NULL. Any thread.
 */
int32_t kymo_hub_fd(const struct KymoHub *hub);

/**
 * How many milliseconds to wait at most for the descriptor before the next kymo_hub_turn(): as
 * poll() takes them, and so -1 for as long as it likes. To be asked after each turn. One thread
 * at a time.
 */
KymoError kymo_hub_timeout(const struct KymoHub *hub, int32_t *timeout_ms, struct KymoWhy *why);

/**
 * Waits until there is something to do, at most so many milliseconds and with -1 as long as it
 * takes, and does it. For a hub without a thread; from a loop of the program's, always with 0.
 * Returns ::KYMO_ENDED when the hub was stopped and everyone was let go. One thread at a time.
 */
KymoError kymo_hub_turn(const struct KymoHub *hub, int32_t timeout_ms, struct KymoWhy *why);

/**
 * Makes the hub stop, and does not wait for it. Any thread, and any callback.
 */
KymoError kymo_hub_ask_to_stop(const struct KymoHub *hub);

/**
 * Stops the hub and waits for its end. Clients are told and get their last bytes, for at most a
 * second. What the loop ended with comes back; a second time ::KYMO_OK. One thread at a time, and
 * not from a callback.
 */
KymoError kymo_hub_stop(const struct KymoHub *hub, struct KymoWhy *why);

/**
 * Whether the hub has ended, of itself or not: who may use its control socket can stop it, unless
 * KymoHubOptions.on_command says no. True for NULL. Any thread.
 */
bool kymo_hub_is_ended(const struct KymoHub *hub);

/**
 * Makes a subscriber in this process, which gets the same frames as over a socket, without one.
 * Only as long as the hub has no thread: ::KYMO_STATE afterwards. One thread at a time.
 */
KymoError kymo_hub_subscribe(const struct KymoHub *hub,
                             const struct KymoWish *wish,
                             struct KymoSubscriber **subscriber,
                             struct KymoWhy *why);

/**
 * Makes a publisher: the way in for events of any thread. At any time until the hub has ended.
 * With `drops_oldest` a full hub drops the oldest event of publishers of this kind, which nobody
 * but kymo_publisher_counts() will tell of; without, it refuses the new one with ::KYMO_FULL. Any
 * thread.
 */
KymoError kymo_hub_publisher(const struct KymoHub *hub,
                             bool drops_oldest,
                             struct KymoPublisher **publisher,
                             struct KymoWhy *why);

/**
 * Stops the hub, waits for its end, and frees it; NULL is fine. Publishers and subscribers outlive
 * it, and are to be freed themselves. Not from a callback, and not while another thread is in a
 * call with it. In a fork nothing of the parent's is touched.
 */
void kymo_hub_free(struct KymoHub *hub);

/**
 * The name of a ::KymoLostReason, in a text that ends in NUL. Any thread.
 */
struct KymoText kymo_lost_name(uint32_t reason);

/**
 * Publishes an event. ::KYMO_OK means that it waits for the loop, which takes it even when it is
 * stopped in that moment. Any thread.
 */
KymoError kymo_publish(const struct KymoPublisher *publisher,
                       const struct KymoEvent *event,
                       struct KymoWhy *why);

/**
 * Publishes a JSON value about a topic. Any thread.
 */
KymoError kymo_publish_json(const struct KymoPublisher *publisher,
                            struct KymoText topic,
                            struct KymoText json);

/**
 * Publishes a text about a topic. Any thread.
 */
KymoError kymo_publish_text(const struct KymoPublisher *publisher,
                            struct KymoText topic,
                            struct KymoText text);

/**
 * Publishes bytes about a topic. Any thread.
 */
KymoError kymo_publish_bytes(const struct KymoPublisher *publisher,
                             struct KymoText topic,
                             struct KymoText bytes);

/**
 * Says that a session begins; 0 for no session_id. Any thread.
 */
KymoError kymo_publish_session_start(const struct KymoPublisher *publisher, uint64_t session_id);

/**
 * Says that a session ends; 0 for no session_id. Any thread.
 */
KymoError kymo_publish_session_end(const struct KymoPublisher *publisher, uint64_t session_id);

/**
 * Says what the application is doing now, a ::KymoAppState. Any thread.
 */
KymoError kymo_publish_state(const struct KymoPublisher *publisher, uint32_t state);

/**
 * Publishes a piece of recognised speech, at the present time of day. Any thread.
 */
KymoError kymo_publish_transcription(const struct KymoPublisher *publisher, struct KymoText text);

/**
 * Tells what became of events so far. Any thread.
 */
KymoError kymo_publisher_counts(const struct KymoPublisher *publisher, struct KymoCounts *counts);

/**
 * Frees a publisher; NULL is fine. Not while another thread is in a call with it.
 */
void kymo_publisher_free(struct KymoPublisher *publisher);

/**
 * A descriptor that can be read when there may be an item; the same as long as the subscriber
 * lives, and not to be closed. Then call kymo_subscriber_next() with 0 until it has nothing. -1
 * for NULL. Any thread.
 */
int32_t kymo_subscriber_fd(const struct KymoSubscriber *subscriber);

/**
 * Hands out the next item, which stays until the next call with this subscriber. Waits for it, at
 * most so many milliseconds and with -1 as long as it takes; ::KYMO_NOTHING when none came.
 * Allocates nothing. One thread at a time.
 */
KymoError kymo_subscriber_next(const struct KymoSubscriber *subscriber,
                               int32_t timeout_ms,
                               const struct KymoItem **item,
                               struct KymoWhy *why);

/**
 * Frees a subscriber and its items; NULL is fine. Waits for a call of its KymoWish.on_ready that
 * is under way. Not while another thread is in a call with it.
 */
void kymo_subscriber_free(struct KymoSubscriber *subscriber);

/**
 * The text that ends in NUL at `text`, without the NUL; it lies where it was. NULL is the empty
 * text. Any thread.
 */
struct KymoText kymo_text(const char *text);

/**
 * The name of a state, as in JSON, in a text that ends in NUL. Any thread.
 */
struct KymoText kymo_state_name(uint32_t state);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KYMO_H */
