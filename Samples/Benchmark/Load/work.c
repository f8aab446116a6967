/* The messages that are sent, and the check of each reply. */
#include "load.h"

/* ------------------------------------------------------------------ payloads */

static void put_hex(char *d, uint64_t v, int digits)
{
    while (digits--) { d[digits] = "0123456789abcdef"[v & 15]; v >>= 4; }
}

static bool get_hex(const uint8_t *s, int digits, uint64_t *v)
{
    *v = 0;
    for (int i = 0; i < digits; i++) {
        uint8_t c = s[i];
        if (c >= '0' && c <= '9') *v = *v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f') *v = *v << 4 | (uint64_t)(c - 'a' + 10);
        else return false;
    }
    return true;
}

static void make_payload(void *dst, int who, uint64_t seq)
{
    char *d = dst;
    d[0] = 'm';
    put_hex(d + 1, (uint64_t)who, 7);
    put_hex(d + 8, seq, 12);
    if (is_binary()) memcpy(d + HEAD, fill_bin + seq % 251, (size_t)opt.payload - HEAD);
    else memcpy(d + HEAD, fill_text + seq % 62, (size_t)opt.payload - HEAD);
}

/* Checks everything but the sender and sequence, which it returns. */
static bool read_payload(const uint8_t *d, size_t n, int *who, uint64_t *seq)
{
    uint64_t w;
    if (n != (size_t)opt.payload || d[0] != 'm' || !get_hex(d + 1, 7, &w) || !get_hex(d + 8, 12, seq)) return false;
    *who = (int)w;
    const void *f = is_binary() ? (const void *)(fill_bin + *seq % 251) : (const void *)(fill_text + *seq % 62);
    return !memcmp(d + HEAD, f, n - HEAD);
}


/* ------------------------------------------------------------------ the load */

int room_of(int idx) { return opt.mode == M_ROOM ? idx % opt.rooms : 0; }
static int member_of(int idx) { return opt.mode == M_ROOM ? idx / opt.rooms : idx; }
int group_size(int room)
{
    return opt.mode == M_ROOM ? (opt.conns - room + opt.rooms - 1) / opt.rooms : opt.conns;
}
int n_senders(void)
{
    if (opt.mode == M_BROADCAST) return opt.senders;
    if (opt.mode == M_ROOM) return opt.senders * opt.rooms;
    return opt.conns;
}

void emit(struct conn *c, uint64_t t0)
{
    static uint8_t *m;
    if (!m) m = xcalloc(1, (size_t)opt.payload + 256);
    uint64_t seq = c->next++;
    struct slot *s = &c->slots[seq % (uint64_t)opt.depth];
    s->t0 = t0;
    s->done = false;
    if (is_group()) {
        s->left = (uint32_t)group_size(room_of(c->idx));
        memset(s->bits, 0, (s->left + 63) / 64 * 8);
    }
    char *p = (char *)m;
    p += sprintf(p, is_binary() ? "451-%s" : "42%s", ns_prefix);
    if (has_ack()) p += sprintf(p, "%llu", (unsigned long long)seq);
    if (opt.mode == M_ROOM) p += sprintf(p, "[\"to-room\",\"room-%d\",", room_of(c->idx));
    else if (opt.mode == M_BROADCAST) p = stpcpy(p, "[\"broadcast\",");
    else p = stpcpy(p, "[\"echo\",");
    if (is_binary()) {
        p = stpcpy(p, BIN_JSON "]");
        send_packet(c, m, (size_t)(p - (char *)m), false);
        make_payload(m, c->idx, seq);
        send_packet(c, m, (size_t)opt.payload, true);
        return;
    }
    *p++ = '"';
    make_payload(p, c->idx, seq);
    p += opt.payload;
    *p++ = '"';
    *p++ = ']';
    send_packet(c, m, (size_t)(p - (char *)m), false);
}

void pump(struct conn *c)
{
    if (!c->slots || c->st != S_READY || (phase != P_WARM && phase != P_MEASURE)) return;
    while (c->next - c->base < (uint64_t)opt.depth) {
        if (opt.rate > 0) {
            if (c->next >= c->due) return;
            double m = (double)c->idx + (double)c->next * n_senders();
            emit(c, t_run + (uint64_t)(m / opt.rate * 1e9));
        } else emit(c, now);
    }
}

bool measured(void) { return phase == P_MEASURE && now >= t_m0; }

/* The sequence is answered in full: record it, move the window, send the next. */
static void complete(struct conn *c, uint64_t seq)
{
    struct slot *s = &c->slots[seq % (uint64_t)opt.depth];
    s->done = true;
    if (measured()) {
        n_done++;
        hist_add(&h_main, now > s->t0 ? now - s->t0 : 0);
    }
    while (c->base < c->next && c->slots[c->base % (uint64_t)opt.depth].done) c->base++;
    pump(c);
}

void reordered(struct conn *c, uint64_t seq, uint64_t want)
{
    n_reordered++;
    if (opt.strict_order)
        err(E_ORDER, c, "sequence %llu, expected %llu", (unsigned long long)seq, (unsigned long long)want);
}

/* A reply to this connection's own message: echo modes. */
void on_echo(struct conn *c, const uint8_t *d, size_t n, bool have_id, uint64_t id)
{
    int who;
    uint64_t seq;
    if (!read_payload(d, n, &who, &seq)) { err(E_CORRUPT, c, "payload of %zu bytes: %s", n, show(d, n)); return; }
    if (who != c->idx) { err(E_MISROUTE, c, "payload of conn %d, seq %llu", who, (unsigned long long)seq); return; }
    if (have_id && id != seq) {
        err(E_CORRUPT, c, "ack %llu carries payload %llu", (unsigned long long)id, (unsigned long long)seq);
        return;
    }
    if (seq >= c->next) { err(E_UNKNOWN, c, "seq %llu was never sent", (unsigned long long)seq); return; }
    if (seq < c->base || c->slots[seq % (uint64_t)opt.depth].done) {
        err(E_DUP, c, "seq %llu answered twice", (unsigned long long)seq);
        return;
    }
    if (seq != c->base) reordered(c, seq, c->base);
    complete(c, seq);
}

/* A broadcast or room message. */
void on_delivery(struct conn *c, const uint8_t *d, size_t n)
{
    int who;
    uint64_t seq;
    if (!read_payload(d, n, &who, &seq)) { err(E_CORRUPT, c, "payload of %zu bytes: %s", n, show(d, n)); return; }
    if (who >= opt.conns || !conns[who].slots) { err(E_UNKNOWN, c, "conn %d does not send", who); return; }
    struct conn *from = &conns[who];
    if (room_of(who) != room_of(c->idx)) {
        err(E_MISROUTE, c, "message of room-%d seen in room-%d", room_of(who), room_of(c->idx));
        return;
    }
    if (seq >= from->next) { err(E_UNKNOWN, c, "seq %llu was never sent", (unsigned long long)seq); return; }
    int me = member_of(c->idx);
    struct slot *s = &from->slots[seq % (uint64_t)opt.depth];
    if (seq < from->base || s->done || (s->bits[me / 64] >> (me % 64) & 1)) {
        err(E_DUP, c, "conn %d seq %llu delivered twice", who, (unsigned long long)seq);
        return;
    }
    s->bits[me / 64] |= 1ull << (me % 64);
    uint64_t *last = &c->last_seq[opt.mode == M_ROOM ? who / opt.rooms : who];
    if (seq != *last) reordered(c, seq, *last);
    if (seq >= *last) *last = seq + 1;
    if (measured()) {
        n_deliveries++;
        hist_add(&h_delivery, now > s->t0 ? now - s->t0 : 0);
    }
    if (--s->left == 0) complete(from, seq);
}
