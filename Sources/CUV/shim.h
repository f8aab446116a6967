#pragma once
#include <uv.h>

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>

// Declared by glibc for _GNU_SOURCE only, which a module cannot ask for.
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pthread_setname_np(pthread_t, const char *);
#endif

// recv(2) and send(2) as the kernel has them. glibc's are cancellation points, which in a process of several threads costs each
// call two atomic operations.
static inline ssize_t parley_receive(int descriptor, void *bytes, size_t count)
{
#ifdef SYS_recvfrom
    return syscall(SYS_recvfrom, descriptor, bytes, count, 0, NULL, NULL);
#else
    return recv(descriptor, bytes, count, 0);
#endif
}

static inline ssize_t parley_send(int descriptor, const void *bytes, size_t count)
{
#ifdef SYS_sendto
    return syscall(SYS_sendto, descriptor, bytes, count, 0, NULL, 0);
#else
    return send(descriptor, bytes, count, 0);
#endif
}
