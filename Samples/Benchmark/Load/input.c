/* Bytes that come in: WebSocket frames and HTTP responses. */
#include "load.h"

/* ------------------------------------------------------------------ WebSocket input */

/* Header of an HTTP message; 0 while incomplete. */
static size_t head_len(const uint8_t *d, size_t n)
{
    const uint8_t *p = memmem(d, n, "\r\n\r\n", 4);
    return p ? (size_t)(p - d) + 4 : 0;
}

bool header(const uint8_t *d, size_t n, const char *name, char *val, size_t cap)
{
    size_t nl = strlen(name);
    const uint8_t *p = d, *e = d + n;
    while ((p = memmem(p, (size_t)(e - p), "\r\n", 2))) {
        p += 2;
        if ((size_t)(e - p) > nl && !strncasecmp((const char *)p, name, nl) && p[nl] == ':') {
            p += nl + 1;
            while (p < e && *p == ' ') p++;
            size_t k = 0;
            while (p < e && *p != '\r' && k + 1 < cap) val[k++] = (char)*p++;
            while (k && val[k - 1] == ' ') k--;
            val[k] = 0;
            return true;
        }
    }
    return false;
}

/* Both consumers return the number of bytes used. */
static size_t ws_consume(struct chan *ch, const uint8_t *d, size_t n)
{
    struct conn *c = ch->c;
    size_t used = 0;
    if (c->st == S_HANDSHAKE) {
        size_t h = head_len(d, n);
        if (!h) return 0;
        char v[128];
        if (h < 12 || memcmp(d, "HTTP/1.1 101", 12) || !header(d, h, "sec-websocket-accept", v, sizeof v) ||
            strcmp(v, ws_accept) || !header(d, h, "upgrade", v, sizeof v) || strcasecmp(v, "websocket") ||
            !header(d, h, "connection", v, sizeof v) || !strcasestr(v, "upgrade") ||
            header(d, h, "sec-websocket-extensions", v, sizeof v)) {
            err(E_PROTO, c, "bad WebSocket handshake: %s", show(d, n));
            conn_dead(c);
            return n;
        }
        c->st = S_OPEN;
        used = h;
    }
    while (c->st != S_DEAD && n - used >= 2) {
        const uint8_t *p = d + used;
        size_t left = n - used, hl = 2;
        uint64_t len = p[1] & 127;
        if (len == 126) {
            if (left < 4) break;
            len = (uint64_t)p[2] << 8 | p[3];
            hl = 4;
        } else if (len == 127) {
            if (left < 10) break;
            len = 0;
            for (int i = 0; i < 8; i++) len = len << 8 | p[2 + i];
            hl = 10;
        }
        uint8_t op = p[0] & 15;
        bool fin = p[0] & 0x80;
        bool control = op & 8;
        if ((p[0] & 0x70) || (p[1] & 0x80) || (control && (!fin || len > 125)) || (op > 2 && op < 8) || op > 10 ||
            (op == 0 && !c->frag_op) || (op && !control && c->frag_op)) {
            err(E_PROTO, c, "bad WebSocket frame %02x %02x", p[0], p[1]);
            conn_dead(c);
            return n;
        }
        if (left - hl < len) break;
        const uint8_t *body = p + hl;
        used += hl + (size_t)len;
        if (op == 9) ws_frame(ch, 10, body, (size_t)len);
        else if (op == 8) {
            if (c->st == S_CLOSING) continue;             /* the end of the stream follows */
            err(E_CLOSED, c, "close frame from the server");
            conn_dead(c);
            return n;
        } else if (op == 10) continue;
        else if (op && fin) on_packet(c, body, (size_t)len, op == 2);
        else {
            if (op) { c->frag_op = op; c->frag.len = 0; }
            buf_add(&c->frag, body, (size_t)len);
            if (fin) {
                uint8_t o = c->frag_op;
                c->frag_op = 0;
                on_packet(c, c->frag.p, c->frag.len, o == 2);
            }
        }
    }
    return used;
}


/* ------------------------------------------------------------------ HTTP input (polling) */

static void on_http(struct chan *ch, const uint8_t *body, size_t n)
{
    struct conn *c = ch->c;
    if (ch->post) {
        if (n != strlen(opt.post_ok) || memcmp(body, opt.post_ok, n)) err(E_PROTO, c, "POST answered: %s", show(body, n));
        if (c->st == S_CLOSING) { conn_closed(c); return; }
        if (c->q.len) mark_dirty(ch);
        return;
    }
    static struct buf bin;
    for (const uint8_t *p = body, *e = body + n; p <= e;) {
        const uint8_t *q = memchr(p, 0x1e, (size_t)(e - p));
        if (!q) q = e;
        if (q > p && *p == 'b') {
            if (!b64_decode(&bin, p + 1, (size_t)(q - p - 1))) err(E_PROTO, c, "bad base64: %s", show(p, (size_t)(q - p)));
            else on_packet(c, bin.p, bin.len, true);
        } else on_packet(c, p, (size_t)(q - p), false);
        p = q + 1;
    }
    if (c->st != S_DEAD && c->st != S_CLOSING && c->st != S_OFF) http_send(ch, "GET", NULL);
}

static size_t http_consume(struct chan *ch, const uint8_t *d, size_t n)
{
    struct conn *c = ch->c;
    size_t h = head_len(d, n);
    if (!h) return 0;
    if (!ch->busy || h < 12 || memcmp(d, "HTTP/1.1 200", 12)) {
        err(E_PROTO, c, "HTTP: %s", show(d, n));
        conn_dead(c);
        return n;
    }
    char v[64];
    static struct buf un;
    const uint8_t *body = d + h;
    size_t blen, used;
    if (header(d, h, "transfer-encoding", v, sizeof v) && !strcasecmp(v, "chunked")) {
        un.len = 0;
        const uint8_t *p = body, *e = d + n;
        for (;;) {
            const uint8_t *nl = memmem(p, (size_t)(e - p), "\r\n", 2);
            if (!nl) return 0;
            size_t k = strtoul((const char *)p, NULL, 16);
            p = nl + 2;
            if ((size_t)(e - p) < k + 2) return 0;
            buf_add(&un, p, k);
            p += k + 2;
            if (!k) break;
        }
        used = (size_t)(p - d);
        body = un.p;
        blen = un.len;
    } else {
        if (!header(d, h, "content-length", v, sizeof v)) {
            err(E_PROTO, c, "HTTP response without a length");
            conn_dead(c);
            return n;
        }
        blen = strtoul(v, NULL, 10);
        if (n - h < blen) return 0;
        used = h + blen;
    }
    bool bye = header(d, h, "connection", v, sizeof v) && strcasestr(v, "close");
    ch->busy = false;
    ch->fresh = false;
    if (bye) { close(ch->fd); ch->fd = -1; ch->want_out = false; n_reconnects++; }
    on_http(ch, body, blen);
    return used;
}


/* ------------------------------------------------------------------ channel events */

static uint8_t rbuf[256 * 1024];

static void chan_eof(struct chan *ch, int why)
{
    struct conn *c = ch->c;
    if (c->st == S_CLOSING) { conn_closed(c); return; }
    if (opt.polling && !ch->in.len && !ch->fresh) {       /* keep-alive connection timed out */
        bool again = ch->busy;
        chan_close(ch);
        n_reconnects++;
        if (again) http_send(ch, ch->post ? "POST" : "GET", ch->post ? &c->inflight_post : NULL);
        return;
    }
    err(E_CLOSED, c, "connection closed by the server%s%s", why ? ": " : "", why ? strerror(why) : "");
    conn_dead(c);
}

void chan_read(struct chan *ch)
{
    struct conn *c = ch->c;
    for (;;) {
        int fd = ch->fd;
        ssize_t n = recv(fd, rbuf, sizeof rbuf, 0);
        now = clock_ns();
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) { chan_eof(ch, n < 0 ? errno : 0); return; }
        const uint8_t *d = rbuf;
        size_t len = (size_t)n, used = 0;
        bool kept = ch->in.len > 0;
        if (kept) { buf_add(&ch->in, rbuf, len); d = ch->in.p; len = ch->in.len; }
        if (!opt.polling) used = ws_consume(ch, d, len);
        else
            while (used < len) {
                size_t k = http_consume(ch, d + used, len - used);
                if (!k) break;
                used += k;
                if (ch->fd != fd) break;
            }
        if (c->st == S_DEAD || ch->fd != fd) { ch->in.len = 0; return; }
        if (kept) buf_drop(&ch->in, used);
        else if (used < len) buf_add(&ch->in, d + used, len - used);
        if (!ch->in.len && ch->in.cap > 65536) buf_free(&ch->in);
        if ((size_t)n < sizeof rbuf) return;
    }
}
