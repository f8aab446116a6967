/* The run: connecting, warming up, measuring, and waiting for the last replies. */
#include "load.h"

double cpu_own0, cpu_own1, cpu_srv0, cpu_srv1, wait_own0, wait_own1, wait_srv0, wait_srv1;
long rss0 = -1, rss1 = -1;
uint64_t t_phase, connect_done;

static void enter(int p)
{
    phase = p;
    t_phase = now;
    switch (p) {
    case P_WARM:
        connect_done = now;
        t_run = now;
        if (opt.mode == M_CONNECT) for (int i = 0; i < opt.conns; i++) conn_start(&conns[i]);
        else for (int i = 0; i < opt.conns; i++) pump(&conns[i]);
        if (opt.mode == M_IDLE) fprintf(stderr, "sioload: %d connections are ready\n", n_ready);
        break;
    case P_MEASURE:
        t_m0 = now;
        cpu_own0 = own_cpu();
        cpu_srv0 = server_cpu();
        wait_own0 = cpu_wait("self");
        if (opt.pids) wait_srv0 = cpu_wait(opt.pids);
        break;
    case P_DRAIN:
        t_m1 = now;
        cpu_own1 = own_cpu();
        cpu_srv1 = server_cpu();
        wait_own1 = cpu_wait("self");
        if (opt.pids) wait_srv1 = cpu_wait(opt.pids);
        rss1 = server_rss();
        break;
    default:
        break;
    }
}

static bool drained(void)
{
    if (opt.mode == M_CONNECT) return n_pending == 0 && n_ready == 0;
    for (int i = 0; i < opt.conns; i++)
        if (conns[i].slots && conns[i].st != S_DEAD && conns[i].base != conns[i].next) return false;
    return true;
}

void count_lost(void)
{
    for (int i = 0; i < opt.conns; i++) {
        struct conn *c = &conns[i];
        if (opt.mode == M_CONNECT && c->st != S_OFF && c->st != S_DEAD)
            err(E_TIMEOUT, c, "connect cycle stuck in state %d", (int)c->st);
        if (!c->slots) continue;
        for (uint64_t q = c->base; q < c->next; q++) {
            struct slot *s = &c->slots[q % (uint64_t)opt.depth];
            if (s->done) continue;
            if (is_group()) err(E_LOST, c, "seq %llu: %u deliveries missing", (unsigned long long)q, s->left);
            else err(E_LOST, c, "seq %llu was never answered", (unsigned long long)q);
        }
    }
}

static bool tick(void)          /* false: the run is over */
{
    double in = (double)(now - t_phase) / 1e9;
    static uint64_t next_check;
    if (now >= next_check) {
        next_check = now + 1000000000u;
        if (opt.mode != M_CONNECT)
            for (int i = 0; i < opt.conns; i++) {
                struct conn *c = &conns[i];
                if (c->st == S_READY && now - c->last_ping > (uint64_t)c->ping_limit_ms * 1000000u + 2000000000u) {
                    err(E_TIMEOUT, c, "no ping within pingInterval + pingTimeout (%u ms)", c->ping_limit_ms);
                    c->last_ping = now;
                }
            }
    }
    if (n_dead == opt.conns || err_total > 100000) { if (!t_m1) t_m1 = now; return false; }
    switch (phase) {
    case P_CONNECT:
        if (opt.mode == M_CONNECT) { enter(P_WARM); break; }
        while (n_started < opt.conns && n_pending < opt.inflight &&
               (opt.ramp <= 0 || n_started <= in * opt.ramp))
            conn_start(&conns[n_started++]);
        if (n_started == opt.conns && !n_pending) { enter(P_WARM); break; }
        if (in > opt.timeout + (opt.ramp > 0 ? opt.conns / opt.ramp : 0)) {
            err(E_TIMEOUT, NULL, "only %d of %d connections are ready", n_ready, opt.conns);
            return false;
        }
        break;
    case P_WARM:
        if (in >= opt.warmup) enter(P_MEASURE);
        break;
    case P_MEASURE:
        if (in >= opt.duration) enter(P_DRAIN);
        break;
    case P_DRAIN:
        if (drained() || in > opt.drain) enter(P_QUIET);
        break;
    case P_QUIET:               /* late duplicates still count */
        if (in >= 0.2) { count_lost(); enter(P_END); return false; }
        break;
    case P_END:
        return false;
    }
    if (opt.rate > 0 && (phase == P_WARM || phase == P_MEASURE))
        while ((double)rate_m / opt.rate * 1e9 <= (double)(now - t_run)) {
            struct conn *c = &conns[rate_m++ % (uint64_t)n_senders()];
            c->due++;
            pump(c);
        }
    return true;
}

volatile sig_atomic_t interrupted;
void on_signal(int s)
{
    (void)s;
    interrupted = 1;
}

void run(void)
{
    struct epoll_event ev[256];
    now = clock_ns();
    t_phase = now;
    while (!interrupted) {
        if (!tick()) break;
        flush_dirty();
        int wait = opt.rate > 0 && phase != P_CONNECT ? 0 : 1;
        if (opt.mode == M_IDLE && phase != P_CONNECT) wait = 20;
        int n = epoll_wait(ep, ev, 256, wait);
        now = clock_ns();
        for (int i = 0; i < n; i++) {
            struct chan *ch = ev[i].data.ptr;
            if (ch->fd < 0) continue;
            if (ev[i].events & EPOLLOUT) chan_flush(ch);
            if (ch->fd >= 0 && (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))) chan_read(ch);
            if (n_dirty) flush_dirty();
        }
    }
}
