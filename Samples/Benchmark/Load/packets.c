/* Socket.IO and Engine.IO packets that come in. */
#include "load.h"

/* ------------------------------------------------------------------ Socket.IO packets */

/* Splits ["a","b"] without escapes into its strings; -1 if it is anything else. */
static int json_strings(const uint8_t *p, size_t n, const uint8_t *s[], size_t len[], int max)
{
    const uint8_t *e = p + n;
    int k = 0;
#define SKIP while (p < e && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++
    SKIP;
    if (p == e || *p++ != '[') return -1;
    SKIP;
    if (p < e && *p == ']') { p++; goto end; }
    for (;;) {
        if (k == max || p == e || *p++ != '"') return -1;
        const uint8_t *q = memchr(p, '"', (size_t)(e - p));
        if (!q) return -1;
        s[k] = p;
        len[k++] = (size_t)(q - p);
        p = q + 1;
        SKIP;
        if (p == e) return -1;
        if (*p == ']') { p++; break; }
        if (*p++ != ',') return -1;
        SKIP;
    }
end:
    SKIP;
    return p == e ? k : -1;
#undef SKIP
}

static bool json_is(const uint8_t *p, size_t n, const char *want)
{
    char t[128];
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' && p[i] != '\n' && p[i] != '\t' && p[i] != '\r') {
            if (k == sizeof t - 1) return false;
            t[k++] = (char)p[i];
        }
    t[k] = 0;
    return !strcmp(t, want);
}

/* Value of a string or number member of a flat JSON object. */
static bool json_member(const uint8_t *d, size_t n, const char *key, const uint8_t **v, size_t *len)
{
    char k[40];
    int kl = snprintf(k, sizeof k, "\"%s\"", key);
    const uint8_t *p = memmem(d, n, k, (size_t)kl), *e = d + n;
    if (!p) return false;
    p += kl;
    while (p < e && (*p == ' ' || *p == ':')) p++;
    if (p < e && *p == '"') {
        const uint8_t *q = memchr(p + 1, '"', (size_t)(e - p - 1));
        if (!q) return false;
        *v = p + 1;
        *len = (size_t)(q - p - 1);
        return true;
    }
    const uint8_t *q = p;
    while (q < e && *q >= '0' && *q <= '9') q++;
    *v = p;
    *len = (size_t)(q - p);
    return q > p;
}

static void on_sio(struct conn *c, const uint8_t *d, size_t n)
{
    const uint8_t *all = d, *e = d + n;
    size_t all_n = n;
    if (d == e) { err(E_PROTO, c, "empty message"); return; }
    uint8_t type = *d++;
    uint64_t attachments = 0, id = 0;
    bool have_id = false;
    if (type == '5' || type == '6') {
        while (d < e && *d >= '0' && *d <= '9') attachments = attachments * 10 + (uint64_t)(*d++ - '0');
        if (d == e || *d++ != '-') { err(E_PROTO, c, "bad binary header: %s", show(all, all_n)); return; }
    }
    size_t nl = strlen(ns_prefix);
    if (nl && type == '0' && (size_t)(e - d) == nl - 1 && !memcmp(d, ns_prefix, nl - 1)) d = e;
    else if (nl ? (size_t)(e - d) < nl || memcmp(d, ns_prefix, nl) != 0 : d < e && *d == '/') {
        err(E_MISROUTE, c, "other namespace: %s", show(all, all_n));
        return;
    } else d += nl;
    if (type != '0')
        while (d < e && *d >= '0' && *d <= '9') { id = id * 10 + (uint64_t)(*d++ - '0'); have_id = true; }
    n = (size_t)(e - d);

    if (c->st == S_CONNECT && type == '0') {
        const uint8_t *v;
        size_t len;
        if (!json_member(d, n, "sid", &v, &len)) { err(E_PROTO, c, "no sid: %s", show(all, all_n)); return; }
        sid_check(c, (const char *)v, len, "socket");
        if (opt.mode == M_ROOM) {
            char m[200];
            int k = sprintf(m, "42%s0[\"join\",\"room-%d\"]", ns_prefix, room_of(c->idx));
            send_packet(c, m, (size_t)k, false);
            c->st = S_JOIN;
        } else conn_ready(c);
        return;
    }
    if (c->st == S_JOIN && type == '3' && have_id && id == 0) {
        if (!json_is(d, n, "[]")) err(E_PROTO, c, "join ack: %s", show(all, all_n));
        conn_ready(c);
        return;
    }
    if (c->st != S_READY) { err(E_PROTO, c, "unexpected packet: %s", show(all, all_n)); return; }

    const uint8_t *s[2];
    size_t len[2];
    switch (opt.mode) {
    case M_ECHO_ACK:
        if (type == '3' && have_id && json_strings(d, n, s, len, 2) == 1) { on_echo(c, s[0], len[0], true, id); return; }
        break;
    case M_EMIT_ECHO:
        if (type == '2' && !have_id && json_strings(d, n, s, len, 2) == 2 && len[0] == 4 && !memcmp(s[0], "echo", 4)) {
            on_echo(c, s[1], len[1], false, 0);
            return;
        }
        break;
    case M_BINARY:
        if (type == '5' && attachments == 1 && !have_id &&
            (json_is(d, n, "[\"echo\"," BIN_JSON "]") || json_is(d, n, "[\"echo\",{\"num\":0,\"_placeholder\":true}]"))) {
            c->bin_wait = true;
            return;
        }
        break;
    case M_BINARY_ACK:
        if (type == '6' && attachments == 1 && have_id &&
            (json_is(d, n, "[" BIN_JSON "]") || json_is(d, n, "[{\"num\":0,\"_placeholder\":true}]"))) {
            c->bin_wait = true;
            c->bin_id = id;
            return;
        }
        break;
    case M_BROADCAST:
    case M_ROOM: {
        const char *name = opt.mode == M_ROOM ? "room" : "broadcast";
        if (type == '2' && !have_id && json_strings(d, n, s, len, 2) == 2 && len[0] == strlen(name) &&
            !memcmp(s[0], name, len[0])) {
            on_delivery(c, s[1], len[1]);
            return;
        }
        break;
    }
    default:
        break;
    }
    err(E_PROTO, c, "unexpected packet: %s", show(all, all_n));
}


/* ------------------------------------------------------------------ Engine.IO packets */

void on_packet(struct conn *c, const uint8_t *d, size_t n, bool binary)
{
    if (c->st == S_DEAD || c->st == S_OFF) return;
    if (binary) {
        if (!c->bin_wait) { err(E_PROTO, c, "binary data without a header"); return; }
        c->bin_wait = false;
        on_echo(c, d, n, opt.mode == M_BINARY_ACK, c->bin_id);
        return;
    }
    if (!n) { err(E_PROTO, c, "empty packet"); return; }
    if (c->bin_wait && d[0] == '4') {
        c->bin_wait = false;
        err(E_PROTO, c, "attachment missing before: %s", show(d, n));
    }
    if (c->st == S_OPEN) {
        const uint8_t *v, *i, *t;
        size_t len, il, tl;
        if (d[0] != '0' || !json_member(d, n, "sid", &v, &len) || len >= sizeof c->sid ||
            !json_member(d, n, "pingInterval", &i, &il) || !json_member(d, n, "pingTimeout", &t, &tl)) {
            err(E_PROTO, c, "open packet expected: %s", show(d, n));
            conn_dead(c);
            return;
        }
        memcpy(c->sid, v, len);
        c->sid[len] = 0;
        c->ping_limit_ms = (uint32_t)(strtoul((const char *)i, NULL, 10) + strtoul((const char *)t, NULL, 10));
        c->last_ping = now;
        sid_check(c, c->sid, len, "engine");
        char m[160];
        int k = sprintf(m, "40%s", ns_prefix);
        c->st = S_CONNECT;
        send_packet(c, m, (size_t)k, false);
        return;
    }
    switch (d[0]) {
    case '2':
        if (n != 1) { err(E_PROTO, c, "ping with data: %s", show(d, n)); return; }
        n_pings++;
        c->last_ping = now;
        send_packet(c, "3", 1, false);
        return;
    case '4':
        on_sio(c, d + 1, n - 1);
        return;
    case '6':
        if (opt.polling) return;
        break;
    case '1':
        if (c->st == S_CLOSING) return;
        break;
    }
    err(E_PROTO, c, "unexpected Engine.IO packet: %s", show(d, n));
}
