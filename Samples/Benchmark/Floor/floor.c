/*
 * The floor of the benchmark: what a server on one core can do at most with the load generator's contract, as it does nothing
 * but that. One thread, epoll, one read and one write a connection and turn, replies copied together from the request's
 * bytes: no JSON is decoded, nothing is checked, no limit is kept, and no timer runs. WebSocket only.
 *
 * It is what ratios are taken against, not a server to be used.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "BenchmarkSupport.h"

#define MAX_CLIENTS 65536
#define MAX_ROOMS 4096
#define READ_SIZE (256 * 1024)

struct bytes { uint8_t *p; size_t count, capacity; };

struct client {
    int fd, index, room, roomIndex;
    bool isOpen, isDirty, awaitsWritable;
    struct bytes in, out;
    /* The text of a binary packet whose attachment comes next. */
    uint8_t head[64];
    size_t headCount;
};

struct list { struct client **items; int count, capacity; };

static struct list everybody, dirty, rooms[MAX_ROOMS];
static int poller;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void append(struct bytes *b, const void *data, size_t count)
{
    if (b->count + count > b->capacity) {
        b->capacity = (b->count + count) * 2;
        b->p = realloc(b->p, b->capacity);
        if (!b->p) fail("realloc");
    }
    memcpy(b->p + b->count, data, count);
    b->count += count;
}

static void add(struct list *list, struct client *client)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 64;
        list->items = realloc(list->items, sizeof *list->items * (size_t)list->capacity);
        if (!list->items) fail("realloc");
    }
    list->items[list->count++] = client;
}

/* ------------------------------------------------------------------ out */

static void markDirty(struct client *c)
{
    if (!c->isDirty) { c->isDirty = true; add(&dirty, c); }
}

/* A frame of one or more parts. */
static size_t header(uint8_t *h, uint8_t opcode, size_t count)
{
    h[0] = 0x80 | opcode;
    if (count < 126) { h[1] = (uint8_t)count; return 2; }
    if (count < 65536) { h[1] = 126; h[2] = (uint8_t)(count >> 8); h[3] = (uint8_t)count; return 4; }
    h[1] = 127;
    for (int i = 0; i < 8; i++) h[2 + i] = (uint8_t)((uint64_t)count >> (56 - 8 * i));
    return 10;
}

static void send3(struct client *c, uint8_t opcode, const void *a, size_t na, const void *b, size_t nb,
                  const void *d, size_t nd)
{
    uint8_t h[10];
    append(&c->out, h, header(h, opcode, na + nb + nd));
    append(&c->out, a, na);
    append(&c->out, b, nb);
    append(&c->out, d, nd);
    markDirty(c);
}

static void forget(struct list *list, int index, bool isRoom)
{
    struct client *last = list->items[--list->count];
    list->items[index] = last;
    if (isRoom) last->roomIndex = index; else last->index = index;
}

static void closeClient(struct client *c)
{
    if (!c->isOpen) return;
    c->isOpen = false;
    close(c->fd);
    forget(&everybody, c->index, false);
    if (c->room >= 0) forget(&rooms[c->room], c->roomIndex, true);
    markDirty(c);   /* freed when the turn ends */
}

static void flush(struct client *c)
{
    while (c->isOpen && c->out.count) {
        ssize_t n = send(c->fd, c->out.p, c->out.count, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN) { closeClient(c); return; }
            if (!c->awaitsWritable) {
                c->awaitsWritable = true;
                struct epoll_event e = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
                epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
            }
            return;
        }
        memmove(c->out.p, c->out.p + n, c->out.count - (size_t)n);
        c->out.count -= (size_t)n;
    }
}

static void flushAll(void)
{
    for (int i = 0; i < dirty.count; i++) {
        struct client *c = dirty.items[i];
        c->isDirty = false;
        flush(c);
        if (!c->isOpen) { free(c->in.p); free(c->out.p); free(c); }
    }
    dirty.count = 0;
}

/* ------------------------------------------------------------------ events */

static void toMany(struct list *list, const char *start, const uint8_t *rest, size_t count)
{
    uint8_t h[10];
    size_t n = strlen(start), headerCount = header(h, 1, n + count);
    static struct bytes frame;
    frame.count = 0;
    append(&frame, h, headerCount);
    append(&frame, start, n);
    append(&frame, rest, count);
    for (int i = 0; i < list->count; i++) {
        append(&list->items[i]->out, frame.p, frame.count);
        markDirty(list->items[i]);
    }
}

static int roomNumber(const uint8_t *text) { return atoi((const char *)text + strlen("room-")) % MAX_ROOMS; }

static void join(struct client *c, const uint8_t *name)
{
    c->room = roomNumber(name);
    c->roomIndex = rooms[c->room].count;
    add(&rooms[c->room], c);
}

/* What follows `42` and the digits of the acknowledgement id. */
static void event(struct client *c, const uint8_t *id, size_t idCount, const uint8_t *array, size_t count)
{
    if (!memcmp(array, "[\"echo\",", 8)) {
        if (!idCount) { send3(c, 1, "42", 2, array, count, "", 0); return; }
        uint8_t start[32] = "43";
        memcpy(start + 2, id, idCount);
        start[2 + idCount] = '[';
        send3(c, 1, start, idCount + 3, array + 8, count - 8, "", 0);
    } else if (!memcmp(array, "[\"broadcast\",", 13)) {
        toMany(&everybody, "42", array, count);
    } else if (!memcmp(array, "[\"to-room\",\"", 12)) {
        const uint8_t *payload = memchr(array + 12, ',', count - 12);
        toMany(&rooms[roomNumber(array + 12)], "42[\"room\"", payload, count - (size_t)(payload - array));
    } else if (!memcmp(array, "[\"join\",\"", 9)) {
        join(c, array + 9);
        send3(c, 1, "43", 2, id, idCount, "[]", 2);
    }
}

static void text(struct client *c, const uint8_t *t, size_t count)
{
    if (count < 2 || t[0] != '4') return;
    if (t[1] == '0') {
        static unsigned sockets;
        char answer[40];
        int n = snprintf(answer, sizeof answer, "40{\"sid\":\"socket%u\"}", ++sockets);
        send3(c, 1, answer, (size_t)n, "", 0, "", 0);
    } else if (t[1] == '2') {
        size_t end = 2;
        while (end < count && t[end] >= '0' && t[end] <= '9') end++;
        event(c, t + 2, end - 2, t + end, count - end);
    } else if (t[1] == '5' && count < sizeof c->head) {
        memcpy(c->head, t, count);
        c->headCount = count;
    }
}

/* 451-<id>["echo",{..}] is answered by 461-<id>[{..}], one without an id by itself. */
static void binary(struct client *c, const uint8_t *data, size_t count)
{
    uint8_t *h = c->head;
    size_t end = 4;
    while (end < c->headCount && h[end] != '[') end++;
    if (end > 4) {
        h[1] = '6';
        send3(c, 1, h, end + 1, h + end + 8, c->headCount - end - 8, "", 0);
    } else {
        send3(c, 1, h, c->headCount, "", 0, "", 0);
    }
    send3(c, 2, data, count, "", 0, "", 0);
}

/* ------------------------------------------------------------------ in */

static bool frame(struct client *c, uint8_t *p, size_t count, size_t *used)
{
    if (count < 6) return false;
    size_t length = p[1] & 0x7F, start = 2;
    if (length == 126) { length = (size_t)p[2] << 8 | p[3]; start = 4; }
    else if (length == 127) {
        if (count < 14) return false;
        length = 0;
        for (int i = 0; i < 8; i++) length = length << 8 | p[2 + i];
        start = 10;
    }
    uint8_t *data = p + start + 4;
    if (count < start + 4 + length) return false;
    uint32_t k;
    memcpy(&k, p + start, 4);
    uint64_t mask = (uint64_t)k << 32 | k, v;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) { memcpy(&v, data + i, 8); v ^= mask; memcpy(data + i, &v, 8); }
    for (; i < length; i++) data[i] ^= ((uint8_t *)&k)[i & 3];
    *used += start + 4 + length;
    switch (p[0] & 15) {
    case 1: text(c, data, length); break;
    case 2: binary(c, data, length); break;
    case 8: send3(c, 8, data, length < 2 ? length : 2, "", 0, "", 0); flush(c); closeClient(c); break;
    default: break;
    }
    return true;
}

static bool handshake(struct client *c, const uint8_t *p, size_t count, size_t *used)
{
    const uint8_t *end = memmem(p, count, "\r\n\r\n", 4);
    if (!end) return false;
    const uint8_t *key = memmem(p, count, "Sec-WebSocket-Key: ", 19);
    if (!key) { closeClient(c); return false; }
    uint8_t accept[60], digest[20];
    memcpy(accept, key + 19, 24);
    memcpy(accept + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    benchmark_sha1(accept, 60, digest);
    char text[40], response[256];
    text[benchmark_base64_encode(text, digest, 20)] = 0;
    int n = snprintf(response, sizeof response,
                     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n", text);
    append(&c->out, response, (size_t)n);
    static unsigned sessions;
    n = snprintf(response, sizeof response,
                 "0{\"sid\":\"floor%u\",\"upgrades\":[],\"pingInterval\":3600000,\"pingTimeout\":20000,"
                 "\"maxPayload\":1000000}", ++sessions);
    send3(c, 1, response, (size_t)n, "", 0, "", 0);
    *used += (size_t)(end - p) + 4;
    c->index = everybody.count;
    add(&everybody, c);
    c->room = -1;
    return true;
}

static void received(struct client *c, uint8_t *p, size_t count)
{
    size_t used = 0;
    if (c->in.count) {
        append(&c->in, p, count);
        p = c->in.p;
        count = c->in.count;
    }
    if (c->index < 0 && !handshake(c, p, count, &used)) used = 0;
    while (c->isOpen && c->index >= 0 && frame(c, p + used, count - used, &used)) { }
    if (!c->isOpen) return;
    struct bytes rest = { 0 };
    if (used < count) append(&rest, p + used, count - used);
    free(c->in.p);
    c->in = rest;
}

static void readFrom(struct client *c)
{
    static uint8_t buffer[READ_SIZE];
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n > 0) { received(c, buffer, (size_t)n); return; }
    if (n < 0 && errno == EAGAIN) return;
    if (c->index < 0) { c->index = everybody.count; add(&everybody, c); c->room = -1; }
    closeClient(c);
}

static void acceptFrom(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct client *c = calloc(1, sizeof *c);
        if (!c) fail("calloc");
        c->fd = fd;
        c->index = c->room = -1;
        c->isOpen = true;
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
    }
}

int main(int argc, char **argv)
{
    int port = argc > 1 ? atoi(argv[1]) : 3000, one = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) fail("listen");
    poller = epoll_create1(0);
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL }, events[1024];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(poller, events, 1024, -1);
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (!c) { acceptFrom(listener); continue; }
            if (!c->isOpen) continue;
            if (events[i].events & EPOLLOUT) {
                c->awaitsWritable = false;
                struct epoll_event in = { .events = EPOLLIN, .data.ptr = c };
                epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &in);
                markDirty(c);
            }
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readFrom(c);
        }
        flushAll();
    }
}
