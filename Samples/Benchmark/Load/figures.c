/* Processor time and memory of the server's processes and of this one. */
#include "load.h"

double server_cpu(void)          /* seconds, summed over --pid */
{
    double t = 0;
    if (!opt.pids) return -1;
    char *list = strdup(opt.pids);
    for (char *s = NULL, *p = strtok_r(list, ",", &s); p; p = strtok_r(NULL, ",", &s)) {
        char f[64], line[1024];
        snprintf(f, sizeof f, "/proc/%s/stat", p);
        FILE *fp = fopen(f, "r");
        if (!fp) continue;
        if (fgets(line, sizeof line, fp)) {
            char *q = strrchr(line, ')');
            unsigned long u = 0, k = 0;
            if (q && sscanf(q + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &u, &k) == 2)
                t += (double)(u + k) / (double)sysconf(_SC_CLK_TCK);
        }
        fclose(fp);
    }
    free(list);
    return t;
}

long server_rss(void)            /* bytes, summed over --pid */
{
    long t = 0;
    if (!opt.pids) return -1;
    char *list = strdup(opt.pids);
    for (char *s = NULL, *p = strtok_r(list, ",", &s); p; p = strtok_r(NULL, ",", &s)) {
        char f[64], line[256];
        snprintf(f, sizeof f, "/proc/%s/status", p);
        FILE *fp = fopen(f, "r");
        if (!fp) continue;
        long kb;
        while (fgets(line, sizeof line, fp))
            if (sscanf(line, "VmRSS: %ld", &kb) == 1) t += kb * 1024;
        fclose(fp);
    }
    free(list);
    return t;
}

/* Seconds a process was ready to run but kept waiting for a CPU: tells a disturbed measurement. */
double cpu_wait(const char *pid)      /* of a list, the first; main thread only */
{
    char f[64];
    unsigned long long ran, waited = 0;
    snprintf(f, sizeof f, "/proc/%.*s/schedstat", (int)strcspn(pid, ","), pid);
    FILE *fp = fopen(f, "r");
    if (!fp) return 0;
    if (fscanf(fp, "%llu %llu", &ran, &waited) != 2) waited = 0;
    fclose(fp);
    return (double)waited / 1e9;
}

double own_cpu(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}
