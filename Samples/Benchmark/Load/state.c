/* What the parts share, and the errors that are found. */
#include "load.h"

/* What was asked for. */
struct options opt = {
    .mode = M_ECHO_ACK, .host = "127.0.0.1", .port = 3000, .path = "/socket.io/", .ns = "/",
    .conns = 64, .depth = 1, .payload = 32, .senders = 1, .rooms = 10, .inflight = 128,
    .duration = 5, .warmup = 1, .drain = 5, .timeout = 60, .post_ok = "ok",
};

const char *const mode_names[] = { "echo-ack", "emit-echo", "binary", "binary-ack",
                                   "broadcast", "room", "connect", "idle" };

uint64_t now;
uint64_t rng_state = 0x9E3779B97F4A7C15u;

struct conn *conns;
int ep;
struct sockaddr_in addr;
char ns_prefix[128];     /* "" or "/name," */
char ws_key[32], ws_accept[32];
char *fill_text;         /* filler tables, read at an offset that depends on the sequence */
uint8_t *fill_bin;

enum phase phase;
uint64_t t_run, t_m0, t_m1;
int n_started, n_pending, n_ready, n_dead;
uint64_t n_done, n_deliveries, n_reordered, n_pings, n_reconnects, n_connects, rate_m;
struct hist h_main, h_delivery;
struct chan **dirty;
int n_dirty;

const char *const err_names[] = { "protocol", "corrupt", "duplicate", "unknown", "misrouted",
                                  "order", "lost", "closed", "timeout" };
uint64_t errs[E_COUNT], err_total;

void err(enum err e, const struct conn *c, const char *fmt, ...)
{
    errs[e]++;
    if (err_total++ < 20) {
        va_list ap;
        va_start(ap, fmt);
        fprintf(stderr, "sioload: [%s] conn %d: ", err_names[e], c ? c->idx : -1);
        vfprintf(stderr, fmt, ap);
        fputc('\n', stderr);
        va_end(ap);
    }
}

/* Printable start of received data, for messages. */
const char *show(const uint8_t *d, size_t n)
{
    static char s[100];
    size_t k = 0;
    for (size_t i = 0; i < n && k < 90; i++) s[k++] = d[i] >= 32 && d[i] < 127 ? (char)d[i] : '.';
    s[k] = 0;
    return s;
}
