/* Preloaded into a program, records what it does to the files of one directory, so that a test can
   work out what a power cut would have left of them.

     RECORDER_DIRECTORY   the directory, as an absolute path without links
     RECORDER_TRACE       where the records go: a file outside of that directory

   A record is written before the call that it is about returns. So whoever hears from the program
   and then looks at the length of the trace knows that everything the program had waited for lies
   before it. A sync tells where the trace ended when it began: what others wrote while it went on is
   not made durable by it.

   A record is: operation, length of name, length of second name, length of data, number, name,
   second name, data; the numbers little-endian. Files whose name ends in -shm are left out: SQLite
   maps them into memory and makes them anew after a crash. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 256, PATH_MAX_BYTES = 4096 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(function, ...)                                                                        \
    ({                                                                                             \
        static __typeof__(&function) real;                                                         \
        if (!real) real = (__typeof__(&function))dlsym(RTLD_NEXT, #function);                      \
        real(__VA_ARGS__);                                                                         \
    })

static void die(const char *why) {
    fprintf(stderr, "recorder: %s: %s\n", why, strerror(errno));
    abort();
}

static int trace(void) {
    static int fd = -1;
    if (fd < 0) {
        const char *path = getenv("RECORDER_TRACE");
        if (!path) die("RECORDER_TRACE is not set");
        fd = REAL(open, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0) die("the trace cannot be written");
    }
    return fd;
}

/* The length of the trace. */
static uint64_t position(void) {
    pthread_mutex_lock(&lock);
    struct stat state;
    if (fstat(trace(), &state) < 0) die("the trace has no length");
    pthread_mutex_unlock(&lock);
    return (uint64_t)state.st_size;
}

static void record(char operation, const char *name, const char *second, uint64_t number,
                   const void *data, size_t length) {
    struct __attribute__((packed)) {
        char operation;
        uint16_t name;
        uint16_t second;
        uint32_t data;
        uint64_t number;
    } head = { operation, (uint16_t)strlen(name), (uint16_t)strlen(second), (uint32_t)length, number };
    struct iovec parts[] = {
        { &head, sizeof head },
        { (void *)name, head.name },
        { (void *)second, head.second },
        { (void *)data, length },
    };
    size_t total = sizeof head + head.name + head.second + length;

    pthread_mutex_lock(&lock);
    if (REAL(writev, trace(), parts, 4) != (ssize_t)total) die("the trace cannot be written");
    pthread_mutex_unlock(&lock);
}

/* The name within the directory of an absolute path; "" for the directory itself; NULL for
   everything else. */
static const char *inside(const char *path) {
    static const char *directory;
    if (!directory) directory = getenv("RECORDER_DIRECTORY");
    if (!directory) die("RECORDER_DIRECTORY is not set");
    size_t length = strlen(directory);
    if (strncmp(path, directory, length)) return NULL;
    if (!path[length]) return path + length;
    if (path[length] != '/') return NULL;
    const char *name = path + length + 1;
    size_t rest = strlen(name);
    if (NAME_MAX_BYTES <= rest) die("a name is too long");
    if (rest >= 4 && !strcmp(name + rest - 4, "-shm")) return NULL;
    return name;
}

/* The same for an open file, copied to `name`. */
static int of_file(int fd, char *name) {
    int before = errno;
    char link[64], path[PATH_MAX_BYTES];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    errno = before;
    if (length < 0) return 0;
    path[length] = 0;
    const char *found = inside(path);
    /* Nobody will see again what is written to a file without a name. */
    if (!found || strstr(found, " (deleted)")) return 0;
    strcpy(name, found);
    return 1;
}

/* The same for a path, which may be relative and need not exist. */
static int of_path(const char *path, char *name) {
    char copy[PATH_MAX_BYTES], folder[PATH_MAX_BYTES], whole[2 * PATH_MAX_BYTES];
    int before = errno;
    snprintf(copy, sizeof copy, "%s", path);
    char *slash = strrchr(copy, '/');
    if (slash) *slash = 0;
    const char *parent = !slash ? "." : slash == copy ? "/" : copy;
    int known = realpath(parent, folder) != NULL;
    errno = before;
    if (!known) return 0;
    snprintf(whole, sizeof whole, "%s/%s", folder, slash ? slash + 1 : path);
    const char *found = inside(whole);
    if (!found || !*found) return 0;
    strcpy(name, found);
    return 1;
}

static ssize_t wrote(int fd, const void *data, ssize_t length, off_t offset) {
    char name[NAME_MAX_BYTES];
    if (length > 0 && of_file(fd, name))
        record('W', name, "", (uint64_t)offset, data, (size_t)length);
    return length;
}

ssize_t write(int fd, const void *data, size_t length) {
    char name[NAME_MAX_BYTES];
    if (!of_file(fd, name)) return REAL(write, fd, data, length);
    ssize_t result = REAL(write, fd, data, length);
    /* The position is right also where the file is only appended to. */
    return result > 0 ? wrote(fd, data, result, lseek(fd, 0, SEEK_CUR) - result) : result;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return wrote(fd, data, REAL(pwrite, fd, data, length, offset), offset);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    return wrote(fd, data, REAL(pwrite64, fd, data, length, offset), offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    char name[NAME_MAX_BYTES];
    if (of_file(fd, name)) die("writev is not recorded");
    return REAL(writev, fd, parts, count);
}

int posix_fallocate(int fd, off_t offset, off_t length) {
    char name[NAME_MAX_BYTES];
    if (of_file(fd, name)) die("posix_fallocate is not recorded");
    return REAL(posix_fallocate, fd, offset, length);
}

static int truncated(int fd, off_t length, int result) {
    char name[NAME_MAX_BYTES];
    if (!result && of_file(fd, name)) record('T', name, "", (uint64_t)length, NULL, 0);
    return result;
}

int ftruncate(int fd, off_t length) { return truncated(fd, length, REAL(ftruncate, fd, length)); }

int ftruncate64(int fd, off64_t length) {
    return truncated(fd, length, REAL(ftruncate64, fd, length));
}

#define SYNC(function)                                                                             \
    int function(int fd) {                                                                         \
        char name[NAME_MAX_BYTES];                                                                 \
        if (!of_file(fd, name)) return REAL(function, fd);                                         \
        uint64_t began = position();                                                               \
        int result = REAL(function, fd);                                                           \
        if (!result) record(*name ? 'S' : 'D', name, "", began, NULL, 0);                          \
        return result;                                                                             \
    }
SYNC(fsync)
SYNC(fdatasync)

static int opened(const char *path, int flags, int existed, int fd) {
    char name[NAME_MAX_BYTES];
    if (fd < 0 || !(flags & (O_CREAT | O_TRUNC)) || !of_path(path, name)) return fd;
    if (!existed) record('C', name, "", 0, NULL, 0);
    else if (flags & O_TRUNC) record('T', name, "", 0, NULL, 0);
    return fd;
}

static int exists(const char *path) {
    int before = errno;
    int result = !access(path, F_OK);
    errno = before;
    return result;
}

#define OPEN(function)                                                                             \
    int function(const char *path, int flags, ...) {                                               \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                    \
        va_end(rest);                                                                              \
        int existed = exists(path);                                                                \
        return opened(path, flags, existed, REAL(function, path, flags, mode));                    \
    }
OPEN(open)
OPEN(open64)

int unlink(const char *path) {
    char name[NAME_MAX_BYTES];
    int result = REAL(unlink, path);
    if (!result && of_path(path, name)) record('U', name, "", 0, NULL, 0);
    return result;
}

static int moved(char operation, const char *from, const char *to, int result) {
    char old[NAME_MAX_BYTES], new[NAME_MAX_BYTES];
    if (result) return result;
    int was_inside = of_path(from, old), is_inside = of_path(to, new);
    if (was_inside != is_inside) die("a file crossed the border of the directory");
    if (is_inside) record(operation, old, new, 0, NULL, 0);
    return result;
}

int rename(const char *from, const char *to) {
    return moved('R', from, to, REAL(rename, from, to));
}

int link(const char *from, const char *to) { return moved('L', from, to, REAL(link, from, to)); }

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags) {
    int result = REAL(linkat, from_fd, from, to_fd, to, flags);
    if (from_fd != AT_FDCWD || to_fd != AT_FDCWD) return result;
    return moved('L', from, to, result);
}
