/* Preloaded into a program, makes every sync take SLOWSYNC_MICROSECONDS longer: a slow disk on a
   fast one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait(void) {
    const char *text = getenv("SLOWSYNC_MICROSECONDS");
    long microseconds = text ? atol(text) : 0;
    struct timespec left = { microseconds / 1000000, microseconds % 1000000 * 1000 };
    while (nanosleep(&left, &left)) {
    }
}

#define SYNC(function)                                                                             \
    int function(int fd) {                                                                         \
        static int (*real)(int);                                                                   \
        if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #function);                               \
        wait();                                                                                    \
        return real(fd);                                                                           \
    }
SYNC(fsync)
SYNC(fdatasync)
