/*
 * uWebSockets, the C++ server, with the load generator's contract and fixed replies: cut from the request's bytes, as the floor
 * cuts its own. The library is the one that the PyPI package `socketify` ships, with its C interface; its sockets run on libuv.
 *
 *     clang -O2 uwebsockets.c /path/of/libsocketify_linux_amd64.so -o uwebsockets && ./uwebsockets PORT
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is used of the library's C interface. */
typedef enum { text = 1, binary = 2 } opcode;
struct context_options { const char *names[6]; int prefersLowMemory; };
struct listening { int port; const char *host; int options; };
struct behavior {
    int compression;
    unsigned maxPayload;
    unsigned short idleTimeout;
    unsigned maxBackpressure;
    bool closesOnBackpressure, resetsIdleTimeoutOnSend, sendsPings;
    unsigned short maxLifetime;
    void (*upgrade)(void *response, void *request, void *context, void *user);
    void (*open)(void *socket, void *user);
    void (*message)(void *socket, const char *message, size_t count, opcode opcode, void *user);
    void (*drain)(void *socket, void *user);
    void (*ping)(void *socket, const char *message, size_t count, void *user);
    void (*pong)(void *socket, const char *message, size_t count, void *user);
    void (*close)(void *socket, int code, const char *message, size_t count, void *user);
    void *subscription;
};
void *uws_create_app(int ssl, struct context_options options);
void uws_ws(int ssl, void *app, const char *pattern, struct behavior behavior, void *user);
void uws_app_listen_with_config(int ssl, void *app, struct listening listening,
                                void (*handler)(void *socket, struct listening listening, void *user), void *user);
void uws_app_run(int ssl, void *app);
bool uws_publish(int ssl, void *app, const char *topic, size_t topicCount, const char *message, size_t count, opcode opcode,
                 bool compress);
size_t uws_req_get_header(void *request, const char *name, size_t nameCount, const char **value);
void uws_res_upgrade(int ssl, void *response, void *data, const char *key, size_t keyCount, const char *protocol,
                     size_t protocolCount, const char *extensions, size_t extensionsCount, void *context);
int uws_ws_send(int ssl, void *socket, const char *message, size_t count, opcode opcode);
bool uws_ws_subscribe(int ssl, void *socket, const char *topic, size_t count);
void *uws_ws_get_user_data(int ssl, void *socket);

/* The text of a binary packet whose attachment comes next. */
struct client { char head[64]; size_t headCount; };

static void *app;

/* A message of three parts. */
static char *joined(const void *a, size_t aCount, const void *b, size_t bCount, const void *c, size_t cCount)
{
    static char *buffer;
    static size_t capacity;
    if (capacity < aCount + bCount + cCount) buffer = realloc(buffer, capacity = 2 * (aCount + bCount + cCount));
    if (!buffer) abort();
    memcpy(buffer, a, aCount);
    memcpy(buffer + aCount, b, bCount);
    memcpy(buffer + aCount + bCount, c, cCount);
    return buffer;
}

static void reply(void *socket, const void *a, size_t aCount, const void *b, size_t bCount)
{
    uws_ws_send(0, socket, joined(a, aCount, b, bCount, "", 0), aCount + bCount, text);
}

/* What follows `42` and the digits of the acknowledgement id. */
static void event(void *socket, const char *id, size_t idCount, const char *array, size_t count)
{
    if (!strncmp(array, "[\"echo\",", 8)) {
        if (!idCount) { reply(socket, "42", 2, array, count); return; }
        char start[32] = "43";
        memcpy(start + 2, id, idCount);
        start[2 + idCount] = '[';
        reply(socket, start, idCount + 3, array + 8, count - 8);
    } else if (!strncmp(array, "[\"broadcast\",", 13)) {
        uws_publish(0, app, "all", 3, joined("42", 2, array, count, "", 0), 2 + count, text, false);
    } else if (!strncmp(array, "[\"to-room\",\"", 12)) {
        const char *room = array + 12, *end = memchr(room, '"', count - 12);
        size_t rest = count - (size_t)(end + 1 - array);
        uws_publish(0, app, room, (size_t)(end - room), joined("42[\"room\"", 9, end + 1, rest, "", 0), 9 + rest, text, false);
    } else if (!strncmp(array, "[\"join\",\"", 9)) {
        const char *room = array + 9, *end = memchr(room, '"', count - 9);
        uws_ws_subscribe(0, socket, room, (size_t)(end - room));
        uws_ws_send(0, socket, joined("43", 2, id, idCount, "[]", 2), 4 + idCount, text);
    }
}

/* 451-<id>["echo",{..}] is answered by 461-<id>[{..}], one without an id by itself. */
static void attachment(void *socket, const char *data, size_t count)
{
    struct client *client = uws_ws_get_user_data(0, socket);
    char *head = client->head;
    size_t end = 4;
    while (end < client->headCount && head[end] != '[') end++;
    if (end > 4) {
        head[1] = '6';
        reply(socket, head, end + 1, head + end + 8, client->headCount - end - 8);
    } else {
        reply(socket, head, client->headCount, "", 0);
    }
    uws_ws_send(0, socket, data, count, binary);
}

static void message(void *socket, const char *t, size_t count, opcode opcode, void *user)
{
    (void)user;
    if (opcode == binary) { attachment(socket, t, count); return; }
    if (count < 2 || t[0] != '4') return;
    if (t[1] == '0') {
        static unsigned sockets;
        char answer[40];
        int n = snprintf(answer, sizeof answer, "40{\"sid\":\"socket%u\"}", ++sockets);
        reply(socket, answer, (size_t)n, "", 0);
    } else if (t[1] == '2') {
        size_t end = 2;
        while (end < count && t[end] >= '0' && t[end] <= '9') end++;
        event(socket, t + 2, end - 2, t + end, count - end);
    } else if (t[1] == '5') {
        struct client *client = uws_ws_get_user_data(0, socket);
        if (count > sizeof client->head) return;
        memcpy(client->head, t, count);
        client->headCount = count;
    }
}

static void upgrade(void *response, void *request, void *context, void *user)
{
    (void)user;
    const char *key;
    size_t count = uws_req_get_header(request, "sec-websocket-key", 17, &key);
    struct client *client = calloc(1, sizeof *client);
    if (!client) abort();
    uws_res_upgrade(0, response, client, key, count, "", 0, "", 0, context);
}

static void opened(void *socket, void *user)
{
    (void)user;
    static unsigned sessions;
    char answer[160];
    int n = snprintf(answer, sizeof answer,
                     "0{\"sid\":\"uws%u\",\"upgrades\":[],\"pingInterval\":3600000,\"pingTimeout\":20000,\"maxPayload\":1000000}",
                     ++sessions);
    uws_ws_subscribe(0, socket, "all", 3);
    reply(socket, answer, (size_t)n, "", 0);
}

static void closed(void *socket, int code, const char *reason, size_t count, void *user)
{
    (void)code, (void)reason, (void)count, (void)user;
    free(uws_ws_get_user_data(0, socket));
}

static void listening(void *socket, struct listening listening, void *user)
{
    (void)user;
    if (socket) return;
    fprintf(stderr, "can't listen on port %d\n", listening.port);
    exit(1);
}

int main(int argc, char **argv)
{
    struct context_options none = { { 0 }, 0 };
    struct behavior behavior = {
        .maxPayload = 1 << 20, .idleTimeout = 0, .maxBackpressure = 64 << 20,
        .upgrade = upgrade, .open = opened, .message = message, .close = closed,
    };
    app = uws_create_app(0, none);
    uws_ws(0, app, "/*", behavior, NULL);
    struct listening on = { argc > 1 ? atoi(argv[1]) : 3000, "127.0.0.1", 0 };
    uws_app_listen_with_config(0, app, on, listening, NULL);
    uws_app_run(0, app);
}
