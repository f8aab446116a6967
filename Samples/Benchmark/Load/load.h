#pragma once
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "BenchmarkSupport.h"

/* ------------------------------------------------------------------ options */

enum mode { M_ECHO_ACK, M_EMIT_ECHO, M_BINARY, M_BINARY_ACK, M_BROADCAST, M_ROOM, M_CONNECT, M_IDLE };
extern const char *const mode_names[8];

struct options {
    enum mode mode;
    const char *host;
    int port;
    const char *path;
    const char *ns;        /* "/" or "/name" */
    bool polling;
    int conns, depth, payload, senders, rooms, inflight;
    double ramp, rate, duration, warmup, drain, timeout;
    bool no_coalesce, strict_order;
    const char *pids;
    const char *label;
    const char *post_ok;   /* body that answers a POST */
};
extern struct options opt;

static inline bool is_group(void) { return opt.mode == M_BROADCAST || opt.mode == M_ROOM; }
static inline bool is_binary(void) { return opt.mode == M_BINARY || opt.mode == M_BINARY_ACK; }
static inline bool has_ack(void) { return opt.mode == M_ECHO_ACK || opt.mode == M_BINARY_ACK; }

/* ------------------------------------------------------------------ tools */

#define HEAD 20                 /* payload head: kind, 7 hex sender, 12 hex sequence */
#define BIN_JSON "{\"_placeholder\":true,\"num\":0}"

struct buf { uint8_t *p; size_t len, cap; };

/* Log-linear histogram of nanoseconds: 128 sub-buckets per octave, error below 0.8 %. */
#define H_SUB 128
#define H_LOG 7
struct hist { uint64_t n, sum, max, b[(64 - H_LOG + 1) * H_SUB]; };

extern uint64_t now;            /* refreshed after every system call that may wait or read */
extern uint64_t rng_state;

/* ------------------------------------------------------------------ connections */

enum state { S_OFF, S_HANDSHAKE, S_OPEN, S_CONNECT, S_JOIN, S_READY, S_CLOSING, S_DEAD };

struct conn;

struct chan {                   /* one TCP connection */
    struct conn *c;
    int fd;                     /* -1: none */
    bool post;                  /* polling: the channel that POSTs */
    bool want_out, dirty, busy; /* busy: an HTTP request awaits its response */
    bool fresh;                 /* no response yet on this TCP connection */
    struct buf in, out;
};

struct slot { uint64_t t0; bool done; uint32_t left; uint64_t *bits; };

struct conn {
    int idx;
    enum state st;
    struct chan ch[2];          /* [0] WebSocket, or GET; [1] POST */
    struct buf frag;            /* fragmented WebSocket message */
    uint8_t frag_op;
    struct buf q;               /* polling: packets that wait for a POST */
    struct buf inflight_post;   /* polling: body of the POST under way (for one retry) */
    char sid[64];
    uint64_t t_start;           /* connect() called */
    uint64_t last_ping;
    uint32_t ping_limit_ms;     /* pingInterval + pingTimeout */
    bool bin_wait;              /* a binary header came, its attachment must follow */
    uint64_t bin_id;
    uint64_t base, next, due;   /* oldest unanswered, next to send, released by --rate */
    struct slot *slots;         /* depth of them; NULL: this connection never sends */
    uint64_t *last_seq;         /* group modes: last sequence + 1 seen from each sender */
};

enum phase { P_CONNECT, P_WARM, P_MEASURE, P_DRAIN, P_QUIET, P_END };

extern struct conn *conns;
extern int ep;
extern struct sockaddr_in addr;
extern char ns_prefix[128];
extern char ws_key[32], ws_accept[32];
extern char *fill_text;
extern uint8_t *fill_bin;
extern enum phase phase;
extern uint64_t t_run, t_m0, t_m1;
extern int n_started, n_pending, n_ready, n_dead;
extern uint64_t n_done, n_deliveries, n_reordered, n_pings, n_reconnects, n_connects, rate_m;
extern struct hist h_main, h_delivery;
extern struct chan **dirty;
extern int n_dirty;
extern double cpu_own0, cpu_own1, cpu_srv0, cpu_srv1, wait_own0, wait_own1, wait_srv0, wait_srv1;
extern long rss0, rss1;
extern uint64_t t_phase, connect_done;
extern volatile sig_atomic_t interrupted;

enum err { E_PROTO, E_CORRUPT, E_DUP, E_UNKNOWN, E_MISROUTE, E_ORDER, E_LOST, E_CLOSED, E_TIMEOUT, E_COUNT };
extern const char *const err_names[];
extern uint64_t errs[E_COUNT], err_total;

/* ------------------------------------------------------------------ tools.c */

extern const char b64_chars[];
double hist_q(const struct hist *h, double q);
void die(const char *fmt, ...);
void *xcalloc(size_t n, size_t s);
uint64_t clock_ns(void);
uint64_t rng(void);
uint8_t *buf_room(struct buf *b, size_t extra);
void buf_add(struct buf *b, const void *d, size_t n);
void buf_drop(struct buf *b, size_t n);
void buf_free(struct buf *b);
void hist_add(struct hist *h, uint64_t v);
bool b64_decode(struct buf *dst, const uint8_t *s, size_t n);

/* ------------------------------------------------------------------ state.c */

void err(enum err e, const struct conn *c, const char *fmt, ...);
const char *show(const uint8_t *d, size_t n);

/* ------------------------------------------------------------------ channels.c */

void mark_dirty(struct chan *ch);
void chan_close(struct chan *ch);
void conn_dead(struct conn *c);
void chan_connect(struct chan *ch);
void chan_flush(struct chan *ch);
void ws_frame(struct chan *ch, uint8_t op, const void *data, size_t n);
void send_packet(struct conn *c, const void *d, size_t n, bool binary);
void http_send(struct chan *ch, const char *method, const struct buf *body);
void flush_dirty(void);

/* ------------------------------------------------------------------ work.c */

int room_of(int idx);
int group_size(int room);
int n_senders(void);
void emit(struct conn *c, uint64_t t0);
void pump(struct conn *c);
bool measured(void);
void reordered(struct conn *c, uint64_t seq, uint64_t want);
void on_echo(struct conn *c, const uint8_t *d, size_t n, bool have_id, uint64_t id);
void on_delivery(struct conn *c, const uint8_t *d, size_t n);

/* ------------------------------------------------------------------ connecting.c */

void sid_check(struct conn *c, const char *s, size_t n, const char *kind);
void conn_start(struct conn *c);
void conn_ready(struct conn *c);
void conn_closed(struct conn *c);

/* ------------------------------------------------------------------ packets.c */

void on_packet(struct conn *c, const uint8_t *d, size_t n, bool binary);

/* ------------------------------------------------------------------ input.c */

bool header(const uint8_t *d, size_t n, const char *name, char *val, size_t cap);
void chan_read(struct chan *ch);

/* ------------------------------------------------------------------ figures.c */

double server_cpu(void);
long server_rss(void);
double cpu_wait(const char *pid);
double own_cpu(void);

/* ------------------------------------------------------------------ phases.c */

void on_signal(int s);
void count_lost(void);
void run(void);
