/* TCP connections: opening, closing and writing; frames and requests on their way out. */
#include "load.h"

/* ------------------------------------------------------------------ channels */

void mark_dirty(struct chan *ch)
{
    if (!ch->dirty) { ch->dirty = true; dirty[n_dirty++] = ch; }
}

void chan_close(struct chan *ch)
{
    if (ch->fd >= 0) close(ch->fd);
    ch->fd = -1;
    ch->busy = ch->want_out = false;
    ch->in.len = ch->out.len = 0;
}

void conn_dead(struct conn *c)
{
    if (c->st == S_DEAD) return;
    if (c->st == S_READY || c->st == S_CLOSING) n_ready--;
    else n_pending--;
    chan_close(&c->ch[0]);
    chan_close(&c->ch[1]);
    c->st = S_DEAD;
    n_dead++;
}

static void chan_interest(struct chan *ch, bool out)
{
    if (ch->want_out == out) return;
    ch->want_out = out;
    struct epoll_event ev = { .events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = ch };
    epoll_ctl(ep, EPOLL_CTL_MOD, ch->fd, &ev);
}

/* One address has some 28,000 ports for one server, and one that was closed rests for a second or two: where that is too few,
   connections are spread over the loopback's addresses 127.0.1.x. 0 where it isn't. */
static uint32_t source_address(const struct conn *c)
{
    static uint32_t n_opened;
    if (ntohl(addr.sin_addr.s_addr) >> 24 != 127) return 0;
    if (opt.mode == M_CONNECT) return 0x7F000101u + n_opened++ % 128;
    return opt.conns > 20000 ? 0x7F000101u + (uint32_t)(c->idx / 20000) : 0;
}

void chan_connect(struct chan *ch)
{
    ch->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (ch->fd < 0) { err(E_CLOSED, ch->c, "socket: %s", strerror(errno)); conn_dead(ch->c); return; }
    int one = 1;
    setsockopt(ch->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    uint32_t source = source_address(ch->c);
    if (source) {
        struct sockaddr_in src = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(source) };
        setsockopt(ch->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(ch->fd, (struct sockaddr *)&src, sizeof src)) die("bind: %s", strerror(errno));
    }
    ch->fresh = true;
    ch->want_out = true;
    struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT, .data.ptr = ch };
    if (connect(ch->fd, (struct sockaddr *)&addr, sizeof addr) && errno != EINPROGRESS) {
        err(E_CLOSED, ch->c, "connect: %s", strerror(errno));
        conn_dead(ch->c);
        return;
    }
    epoll_ctl(ep, EPOLL_CTL_ADD, ch->fd, &ev);
}

void chan_flush(struct chan *ch)
{
    while (ch->fd >= 0 && ch->out.len) {
        ssize_t n = send(ch->fd, ch->out.p, ch->out.len, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN || errno == ENOTCONN) { chan_interest(ch, true); return; }
            return;             /* the read side reports the failure */
        }
        buf_drop(&ch->out, (size_t)n);
    }
    if (ch->fd >= 0) chan_interest(ch, false);
}

/* ------------------------------------------------------------------ sending packets */

void ws_frame(struct chan *ch, uint8_t op, const void *data, size_t n)
{
    uint8_t *p = buf_room(&ch->out, n + 14), *q = p;
    *q++ = 0x80 | op;
    if (n < 126) *q++ = 0x80 | (uint8_t)n;
    else if (n < 65536) { *q++ = 0x80 | 126; *q++ = (uint8_t)(n >> 8); *q++ = (uint8_t)n; }
    else {
        *q++ = 0x80 | 127;
        for (int i = 7; i >= 0; i--) *q++ = (uint8_t)((uint64_t)n >> (8 * i));
    }
    uint32_t k32 = (uint32_t)rng();
    uint64_t k64 = (uint64_t)k32 << 32 | k32;
    memcpy(q, &k32, 4);
    q += 4;
    const uint8_t *s = data;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t v;
        memcpy(&v, s + i, 8);
        v ^= k64;
        memcpy(q + i, &v, 8);
    }
    for (; i < n; i++) q[i] = s[i] ^ ((uint8_t *)&k32)[i & 3];
    ch->out.len += (size_t)(q - p) + n;
    mark_dirty(ch);
    if (opt.no_coalesce) chan_flush(ch);
}

/* One Engine.IO packet. */
void send_packet(struct conn *c, const void *d, size_t n, bool binary)
{
    if (c->st == S_DEAD) return;
    if (!opt.polling) { ws_frame(&c->ch[0], binary ? 2 : 1, d, n); return; }
    if (c->q.len) buf_add(&c->q, "\x1e", 1);
    if (binary) {
        buf_add(&c->q, "b", 1);
        c->q.len += benchmark_base64_encode((char *)buf_room(&c->q, n / 3 * 4 + 8), d, n);
    } else buf_add(&c->q, d, n);
    mark_dirty(&c->ch[1]);      /* packets queued until the flush share one POST */
}

/* Queues a request on the channel; the caller flushes. */
static void http_queue(struct chan *ch, const char *method, const struct buf *body)
{
    struct conn *c = ch->c;
    char h[512];
    int n = snprintf(h, sizeof h, "%s %s?EIO=4&transport=polling%s%s HTTP/1.1\r\nHost: %s:%d\r\n",
                     method, opt.path, c->sid[0] ? "&sid=" : "", c->sid, opt.host, opt.port);
    if (body)
        n += snprintf(h + n, sizeof h - (size_t)n,
                      "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n", body->len);
    n += snprintf(h + n, sizeof h - (size_t)n, "\r\n");
    if (ch->fd < 0) chan_connect(ch);
    if (c->st == S_DEAD) return;
    buf_add(&ch->out, h, (size_t)n);
    if (body) buf_add(&ch->out, body->p, body->len);
    ch->busy = true;
}

void http_send(struct chan *ch, const char *method, const struct buf *body)
{
    http_queue(ch, method, body);
    mark_dirty(ch);
}

void flush_dirty(void)
{
    for (int i = 0; i < n_dirty; i++) {
        struct chan *ch = dirty[i];
        struct conn *c = ch->c;
        ch->dirty = false;
        if (c->st == S_DEAD) continue;
        if (ch->post && !ch->busy && c->q.len) {
            struct buf t = c->inflight_post;
            c->inflight_post = c->q;
            c->q = t;
            c->q.len = 0;
            http_queue(ch, "POST", &c->inflight_post);
        }
        chan_flush(ch);
    }
    n_dirty = 0;
}
