/*
 * sioload - load generator and reply checker for Socket.IO v5 / Engine.IO v4 servers.
 *
 * One process, one thread, epoll, libc only (Linux).
 *
 * It opens N Socket.IO connections over WebSocket or HTTP long-polling, drives one of the
 * modes below, checks every single reply and prints one JSON line on stdout.  Exit status:
 * 0 every reply was right; 1 at least one error (lost, duplicated, corrupted or misrouted
 * message, protocol violation, closed connection, ...); 2 usage.
 *
 * Server contract (event -> what the server must do):
 *   echo     payload, with ack id       -> ack(payload)
 *   echo     payload, without ack id    -> socket.emit("echo", payload)
 *   broadcast payload                   -> io.emit("broadcast", payload)      (sender included)
 *   join     room, with ack id          -> socket.join(room), then ack()
 *   to-room  room, payload              -> io.to(room).emit("room", payload)  (sender included)
 * The payload is a string, or one binary attachment in the binary modes.
 *
 * Modes:
 *   echo-ack    42<id>["echo",p]          awaits 43<id>[p]
 *   emit-echo   42["echo",p]              awaits 42["echo",p]
 *   binary      451-["echo",{..}] + bytes awaits the same
 *   binary-ack  451-<id>["echo",{..}]     awaits 461-<id>[{..}] + bytes
 *   broadcast   K senders, every connection must get every message exactly once
 *   room        connection i joins room-(i mod R); K senders in each room; every member, and
 *               nobody else, must get every message exactly once
 *   connect     connect, namespace connect, close; over and over on N slots
 *   idle        hold N connections, report the server's RSS (--pid)
 *
 * The load is closed loop (each sender keeps --depth messages in flight) unless --rate is
 * given; then message m leaves at t0 + m/rate and latency counts from that intended time.
 *
 * Every payload carries the sender's number and a sequence number, and the remaining bytes
 * depend on the sequence number, so that a reply can be checked byte for byte.  Replies that
 * come out of order are counted ("reordered"), and are errors only with --strict-order.
 */
#include "load.h"

static void report_hist(const char *name, const struct hist *h)
{
    printf(",\"%s\":{\"n\":%llu,\"mean\":%.1f,\"p50\":%.1f,\"p95\":%.1f,\"p99\":%.1f,\"p99_9\":%.1f,\"max\":%.1f}",
           name, (unsigned long long)h->n, h->n ? (double)h->sum / (double)h->n / 1000 : 0,
           hist_q(h, .50), hist_q(h, .95), hist_q(h, .99), hist_q(h, .999), (double)h->max / 1000);
}

static void report(void)
{
    double secs = t_m1 > t_m0 && t_m0 ? (double)(t_m1 - t_m0) / 1e9 : 0;
    printf("{\"tool\":\"sioload\",\"label\":\"%s\",\"mode\":\"%s\",\"transport\":\"%s\",\"ns\":\"%s\",\"connections\":%d",
           opt.label ? opt.label : "", mode_names[opt.mode], opt.polling ? "polling" : "websocket", opt.ns, opt.conns);
    if (opt.mode != M_IDLE && opt.mode != M_CONNECT) {
        printf(",\"depth\":%d,\"payload\":%d", opt.depth, opt.payload);
        if (opt.rate > 0) printf(",\"rate\":%.1f", opt.rate);
    }
    if (is_group()) printf(",\"senders\":%d", n_senders());
    if (opt.mode == M_ROOM) printf(",\"rooms\":%d", opt.rooms);
    printf(",\"seconds\":%.3f", secs);
    if (opt.mode == M_CONNECT)
        printf(",\"connects\":%llu,\"connects_per_s\":%.1f", (unsigned long long)n_done, secs > 0 ? (double)n_done / secs : 0);
    else {
        printf(",\"ramp_seconds\":%.3f", connect_done ? (double)(connect_done - conns[0].t_start) / 1e9 : 0);
        if (opt.mode != M_IDLE)
            printf(",\"msgs\":%llu,\"msgs_per_s\":%.1f", (unsigned long long)n_done, secs > 0 ? (double)n_done / secs : 0);
    }
    if (is_group())
        printf(",\"deliveries\":%llu,\"deliveries_per_s\":%.1f", (unsigned long long)n_deliveries,
               secs > 0 ? (double)n_deliveries / secs : 0);
    if (opt.mode != M_IDLE) report_hist(opt.mode == M_CONNECT ? "connect_us" : is_group() ? "last_delivery_us" : "rtt_us", &h_main);
    if (is_group()) report_hist("delivery_us", &h_delivery);
    if (secs > 0) printf(",\"client_cpu\":%.3f,\"client_wait\":%.3f", (cpu_own1 - cpu_own0) / secs, (wait_own1 - wait_own0) / secs);
    if (secs > 0 && opt.pids)
        printf(",\"server_cpu\":%.3f,\"server_wait\":%.3f", (cpu_srv1 - cpu_srv0) / secs, (wait_srv1 - wait_srv0) / secs);
    if (opt.pids) {
        printf(",\"rss_before\":%ld,\"rss_after\":%ld", rss0, rss1);
        if (opt.mode == M_IDLE) printf(",\"bytes_per_connection\":%.0f", (double)(rss1 - rss0) / opt.conns);
    }
    printf(",\"pings\":%llu,\"reordered\":%llu,\"reconnects\":%llu,\"errors\":%llu", (unsigned long long)n_pings,
           (unsigned long long)n_reordered, (unsigned long long)n_reconnects, (unsigned long long)err_total);
    for (int i = 0; i < E_COUNT; i++)
        if (errs[i]) printf(",\"err_%s\":%llu", err_names[i], (unsigned long long)errs[i]);
    puts("}");
}

static void usage(FILE *f)
{
    fputs("usage: sioload [options]\n"
          "  --mode M          echo-ack emit-echo binary binary-ack broadcast room connect idle\n"
          "  --transport T     websocket (default) or polling\n"
          "  --host A          IPv4 address (127.0.0.1)        --port P          (3000)\n"
          "  --path P          (/socket.io/)                   --ns /NAME        namespace (/)\n"
          "  --connections N   (64)                            --depth D         in flight per sender (1)\n"
          "  --payload B       bytes, at least 20 (32)         --rate R          open loop, messages/s in all\n"
          "  --senders K       broadcast: senders; room: senders per room (1)\n"
          "  --rooms R         (10)                            --ramp C          connections/s, 0 no limit (0)\n"
          "  --inflight I      connecting at once (128)        --duration S      measured seconds (5)\n"
          "  --warmup S        (1)                             --drain S         wait for the last replies (5)\n"
          "  --timeout S       for all to connect (60)         --pid P[,P]       server, for CPU and RSS\n"
          "  --no-coalesce     one send() per WebSocket frame  --strict-order    reordering is an error\n"
          "  --label TEXT      copied to the JSON line         --post-ok TEXT    body that answers a POST (ok)\n"
          "connect: N slots connect and close over and over.  idle: holds for warmup + duration.\n", f);
}

int main(int argc, char **argv)
{
    enum { A_MODE = 256, A_TRANSPORT, A_HOST, A_PORT, A_PATH, A_NS, A_CONNS, A_DEPTH, A_PAYLOAD, A_RATE, A_SENDERS,
           A_ROOMS, A_RAMP, A_INFLIGHT, A_DURATION, A_WARMUP, A_DRAIN, A_TIMEOUT, A_PID, A_NOCO, A_STRICT, A_LABEL, A_POSTOK, A_HELP };
    static const struct option lo[] = {
        { "mode", 1, 0, A_MODE }, { "transport", 1, 0, A_TRANSPORT }, { "host", 1, 0, A_HOST }, { "port", 1, 0, A_PORT },
        { "path", 1, 0, A_PATH }, { "ns", 1, 0, A_NS }, { "connections", 1, 0, A_CONNS }, { "depth", 1, 0, A_DEPTH },
        { "payload", 1, 0, A_PAYLOAD }, { "rate", 1, 0, A_RATE }, { "senders", 1, 0, A_SENDERS }, { "rooms", 1, 0, A_ROOMS },
        { "ramp", 1, 0, A_RAMP }, { "inflight", 1, 0, A_INFLIGHT }, { "duration", 1, 0, A_DURATION },
        { "warmup", 1, 0, A_WARMUP }, { "drain", 1, 0, A_DRAIN }, { "timeout", 1, 0, A_TIMEOUT }, { "pid", 1, 0, A_PID },
        { "no-coalesce", 0, 0, A_NOCO }, { "strict-order", 0, 0, A_STRICT }, { "label", 1, 0, A_LABEL }, { "post-ok", 1, 0, A_POSTOK },
        { "help", 0, 0, A_HELP }, { NULL, 0, NULL, 0 } };
    for (int o; (o = getopt_long(argc, argv, "", lo, NULL)) != -1;) {
        switch (o) {
        case A_MODE: {
            int m = -1;
            for (int i = 0; i < (int)(sizeof mode_names / sizeof mode_names[0]); i++)
                if (!strcmp(optarg, mode_names[i])) m = i;
            if (m < 0) die("unknown mode %s", optarg);
            opt.mode = (enum mode)m;
            break;
        }
        case A_TRANSPORT:
            if (strcmp(optarg, "polling") && strcmp(optarg, "websocket")) die("unknown transport %s", optarg);
            opt.polling = optarg[0] == 'p';
            break;
        case A_HOST: opt.host = optarg; break;
        case A_PORT: opt.port = atoi(optarg); break;
        case A_PATH: opt.path = optarg; break;
        case A_NS: opt.ns = optarg; break;
        case A_CONNS: opt.conns = atoi(optarg); break;
        case A_DEPTH: opt.depth = atoi(optarg); break;
        case A_PAYLOAD: opt.payload = atoi(optarg); break;
        case A_RATE: opt.rate = atof(optarg); break;
        case A_SENDERS: opt.senders = atoi(optarg); break;
        case A_ROOMS: opt.rooms = atoi(optarg); break;
        case A_RAMP: opt.ramp = atof(optarg); break;
        case A_INFLIGHT: opt.inflight = atoi(optarg); break;
        case A_DURATION: opt.duration = atof(optarg); break;
        case A_WARMUP: opt.warmup = atof(optarg); break;
        case A_DRAIN: opt.drain = atof(optarg); break;
        case A_TIMEOUT: opt.timeout = atof(optarg); break;
        case A_PID: opt.pids = optarg; break;
        case A_NOCO: opt.no_coalesce = true; break;
        case A_STRICT: opt.strict_order = true; break;
        case A_LABEL: opt.label = optarg; break;
        case A_POSTOK: opt.post_ok = optarg; break;
        case A_HELP: usage(stdout); return 0;
        default: usage(stderr); return 2;
        }
    }
    if (optind < argc) { usage(stderr); return 2; }
    if (opt.conns < 1 || opt.depth < 1 || opt.payload < HEAD || opt.senders < 1 || opt.rooms < 1 || opt.inflight < 1 ||
        opt.ns[0] != '/' || strlen(opt.ns) > 100 || opt.port < 1 || opt.port > 65535)
        die("option out of range (payload is at least %d)", HEAD);
    if (is_group() && n_senders() > opt.conns) die("more senders than connections");
    addr.sin_family = AF_INET;
    addr.sin_port = htons((uint16_t)opt.port);
    if (inet_pton(AF_INET, opt.host, &addr.sin_addr) != 1) die("--host needs an IPv4 address");
    if (strcmp(opt.ns, "/")) snprintf(ns_prefix, sizeof ns_prefix, "%s,", opt.ns);

    struct rlimit rl;
    if (!getrlimit(RLIMIT_NOFILE, &rl)) {
        rl.rlim_cur = rl.rlim_max;
        setrlimit(RLIMIT_NOFILE, &rl);
        if (rl.rlim_cur < (rlim_t)opt.conns * (opt.polling ? 2 : 1) + 16) die("too few file descriptors (%lu)", (unsigned long)rl.rlim_cur);
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);

    rng_state ^= clock_ns() * 2654435761u ^ (uint64_t)getpid() << 32;
    uint8_t raw[16], dig[20];
    for (int i = 0; i < 16; i++) raw[i] = (uint8_t)(rng() >> 24);
    ws_key[benchmark_base64_encode(ws_key, raw, 16)] = 0;
    char cat[80];
    int cn = snprintf(cat, sizeof cat, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", ws_key);
    benchmark_sha1((uint8_t *)cat, (size_t)cn, dig);
    ws_accept[benchmark_base64_encode(ws_accept, dig, 20)] = 0;
    fill_text = xcalloc(1, (size_t)opt.payload + 62);
    fill_bin = xcalloc(1, (size_t)opt.payload + 251);
    for (int i = 0; i < opt.payload + 62; i++) fill_text[i] = b64_chars[i % 62];
    for (int i = 0; i < opt.payload + 251; i++) fill_bin[i] = (uint8_t)(i * 167 + 13);

    ep = epoll_create1(EPOLL_CLOEXEC);
    conns = xcalloc((size_t)opt.conns, sizeof *conns);
    dirty = xcalloc((size_t)opt.conns * 2, sizeof *dirty);
    for (int i = 0; i < opt.conns; i++) {
        struct conn *c = &conns[i];
        c->idx = i;
        c->st = S_OFF;
        for (int k = 0; k < 2; k++) { c->ch[k].c = c; c->ch[k].fd = -1; }
        c->ch[1].post = true;
        if (opt.mode == M_CONNECT || opt.mode == M_IDLE) continue;
        if (is_group()) c->last_seq = xcalloc((size_t)opt.senders, 8);
        if (i >= n_senders()) continue;
        c->slots = xcalloc((size_t)opt.depth, sizeof *c->slots);
        if (is_group())
            for (int k = 0; k < opt.depth; k++)
                c->slots[k].bits = xcalloc((size_t)(group_size(room_of(i)) + 63) / 64, 8);
    }
    rss0 = server_rss();
    run();
    if (interrupted) err(E_TIMEOUT, NULL, "interrupted");
    if (phase != P_END && phase != P_CONNECT) count_lost();
    if (!err_total && phase != P_END) err(E_TIMEOUT, NULL, "ended early");
    if (!err_total && opt.mode != M_IDLE && !n_done) err(E_TIMEOUT, NULL, "nothing was measured");
    report();
    return err_total ? 1 : 0;
}
