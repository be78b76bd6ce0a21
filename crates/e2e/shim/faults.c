/* Preloaded into a program, lets its disk fail for a while.

     FAULTS_DIRECTORY   under which path files are touched, absolute and without links
     FAULTS_CONTROL     a file; while it is there, the disk fails as its first letter says:
                          f   full: nothing can be written, and no file made longer (ENOSPC)
                          p   nearly full: of what is written the last byte has no room
                          s   broken: no sync succeeds (EIO) */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(function, ...)                                                                        \
    ({                                                                                             \
        static __typeof__(&function) real;                                                         \
        if (!real) real = (__typeof__(&function))dlsym(RTLD_NEXT, #function);                      \
        real(__VA_ARGS__);                                                                         \
    })

/* Whether the fault `letter` is in force for an open file. */
static int fails(int fd, char letter) {
    const char *control = getenv("FAULTS_CONTROL"), *directory = getenv("FAULTS_DIRECTORY");
    int before = errno;
    char link[64], path[4096], found = 0;
    int file = control ? open(control, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        if (read(file, &found, 1) != 1) found = 0;
        close(file);
    }
    int hit = 0;
    if (found == letter && directory) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        hit = length > 0 && !strncmp(path, directory, strlen(directory));
    }
    errno = before;
    return hit;
}

#define FAIL_IF(fd, letter, error)                                                                 \
    if (fails(fd, letter)) {                                                                       \
        errno = error;                                                                             \
        return -1;                                                                                 \
    }

ssize_t write(int fd, const void *data, size_t length) {
    FAIL_IF(fd, 'f', ENOSPC)
    return REAL(write, fd, data, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    FAIL_IF(fd, 'f', ENOSPC)
    return REAL(writev, fd, parts, count);
}

/* Half of what is left fits, until nothing but the last byte is left. */
#define FIT_PARTLY(function)                                                                       \
    if (fails(fd, 'p')) {                                                                          \
        if (length > 1) return REAL(function, fd, data, length / 2, offset);                       \
        errno = ENOSPC;                                                                            \
        return -1;                                                                                 \
    }

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    FAIL_IF(fd, 'f', ENOSPC)
    FIT_PARTLY(pwrite)
    return REAL(pwrite, fd, data, length, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    FAIL_IF(fd, 'f', ENOSPC)
    FIT_PARTLY(pwrite64)
    return REAL(pwrite64, fd, data, length, offset);
}

static int grows(int fd, off_t length) {
    struct stat state;
    return !fstat(fd, &state) && state.st_size < length;
}

int ftruncate(int fd, off_t length) {
    if (grows(fd, length)) FAIL_IF(fd, 'f', ENOSPC)
    return REAL(ftruncate, fd, length);
}

int ftruncate64(int fd, off64_t length) {
    if (grows(fd, length)) FAIL_IF(fd, 'f', ENOSPC)
    return REAL(ftruncate64, fd, length);
}

int fsync(int fd) {
    FAIL_IF(fd, 's', EIO)
    return REAL(fsync, fd);
}

int fdatasync(int fd) {
    FAIL_IF(fd, 's', EIO)
    return REAL(fdatasync, fd);
}
