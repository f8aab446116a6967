#pragma once
#include <uv.h>

#ifdef __linux__
// Declared by glibc for _GNU_SOURCE only, which a module cannot ask for.
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pthread_setname_np(pthread_t, const char *);
#endif
