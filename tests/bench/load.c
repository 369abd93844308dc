/* A closed-loop client: one thread, epoll.
 *
 *   load PORT PATH CONNECTIONS SECONDS COUNT FILE [HEADER...]
 *
 * Posts FILE over CONNECTIONS keep-alive connections for SECONDS (or COUNT requests, when
 * not 0), each connection its next request as soon as it has its answer. Prints one JSON
 * line: requests, errors, seconds, p50_ms, p99_ms (whole answer), ttft_p50_ms,
 * ttft_p99_ms (first byte of the body), events (SSE). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct conn {
    int fd, status, chunked, in_body;
    long left;          /* of a body with a length */
    double began, first;
    char tail[8];       /* last bytes seen: finds ends across reads */
    char *head;
    size_t head_len;
};

static char *request;
static size_t request_len;
static struct sockaddr_in at;
static int ep;
static double *took, *firsts;
static long done, errors_seen, events_seen, cap = 1 << 21;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void fire(struct conn *c) {
    c->in_body = c->status = c->chunked = 0;
    c->head_len = 0;
    c->first = 0;
    memset(c->tail, 0, sizeof c->tail);
    c->began = now();
    const char *p = request;
    size_t left = request_len;
    while (left) {
        ssize_t n = send(c->fd, p, left, MSG_NOSIGNAL);
        if (n > 0) { p += n; left -= n; continue; }
        if (n < 0 && errno == EAGAIN) { usleep(20); continue; }
        errors_seen++;
        return;
    }
}

static void dial(struct conn *c) {
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (void *)&at, sizeof at)) { perror("load: connect"); exit(1); }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}

static void finished(struct conn *c) {
    double t = now();
    if (c->status != 200) errors_seen++;
    if (done < cap) { took[done] = t - c->began; firsts[done] = c->first - c->began; }
    done++;
}

/* Whether the answer is complete after `n` more bytes of body. */
static int body(struct conn *c, const char *data, size_t n) {
    if (!n) return !c->chunked && c->left <= 0;
    if (!c->first) c->first = now();
    for (const char *p = data; (p = memmem(p, data + n - p, "data: {", 7)); p += 7) events_seen++;
    if (!c->chunked) { c->left -= n; return c->left <= 0; }
    char end[16];
    size_t keep = n < 7 ? n : 7;
    memcpy(end, c->tail, 7);
    memmove(end, end + keep, 7 - keep);
    memcpy(end + 7 - keep, data + n - keep, keep);
    memcpy(c->tail, end, 7);
    return memcmp(end, "\r\n0\r\n\r\n", 7) == 0;
}

static int readable(struct conn *c) {
    char buf[65536];
    ssize_t n = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) {
        errors_seen++;
        close(c->fd);
        c->head_len = 0;
        dial(c);
        return 2;
    }
    if (c->in_body) return body(c, buf, n);
    if (c->head_len + n > 65536) n = 65536 - c->head_len;
    memcpy(c->head + c->head_len, buf, n);
    c->head_len += n;
    char *end = memmem(c->head, c->head_len, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    c->status = atoi(c->head + 9);
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->chunked = length == NULL;
    c->left = length ? atol(length + 17) : 0;
    c->in_body = 1;
    return body(c, end + 4, c->head + c->head_len - end - 4);
}

static int ascending(const void *a, const void *b) {
    double x = *(double *)a, y = *(double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    if (argc < 7) { fprintf(stderr, "usage: see the top of load.c\n"); return 2; }
    int port = atoi(argv[1]), count = atoi(argv[3]);
    double seconds = atof(argv[4]);
    long limit = atol(argv[5]);
    struct rlimit fds = {65536, 65536};
    setrlimit(RLIMIT_NOFILE, &fds);
    FILE *f = fopen(argv[6], "rb");
    if (!f) { perror(argv[6]); return 2; }
    char *payload = malloc(8 << 20);
    size_t size = fread(payload, 1, 8 << 20, f);
    request = malloc(size + 65536);
    request_len = sprintf(request, "POST %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-type: application/json\r\n", argv[2], port);
    for (int i = 7; i < argc; i++) request_len += sprintf(request + request_len, "%s\r\n", argv[i]);
    request_len += sprintf(request + request_len, "content-length: %zu\r\n\r\n", size);
    memcpy(request + request_len, payload, size);
    request_len += size;
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    took = malloc(cap * sizeof *took);
    firsts = malloc(cap * sizeof *firsts);
    ep = epoll_create1(0);
    struct conn *all = calloc(count, sizeof *all);
    for (int i = 0; i < count; i++) { all[i].head = malloc(65537); dial(&all[i]); }
    double start = now(), stop = start + seconds;
    long fired = 0;
    for (int i = 0; i < count; i++) { fire(&all[i]); fired++; }
    int busy = count;
    struct epoll_event got[512];
    while (busy) {
        int n = epoll_wait(ep, got, 512, 15000);
        if (!n) { errors_seen += busy; break; }
        for (int i = 0; i < n; i++) {
            struct conn *c = got[i].data.ptr;
            int over = readable(c);
            if (!over) continue;
            if (over == 1) finished(c);
            if (limit ? fired < limit : now() < stop) { fire(c); fired++; } else busy--;
        }
    }
    double spent = now() - start;
    long kept = done < cap ? done : cap;
    qsort(took, kept, sizeof *took, ascending);
    qsort(firsts, kept, sizeof *firsts, ascending);
    double zero = 0, *a = kept ? took : &zero, *b = kept ? firsts : &zero;
    long p50 = kept / 2, p99 = kept ? (long)(kept * 0.99) : 0;
    printf("{\"requests\":%ld,\"errors\":%ld,\"seconds\":%.6f,\"p50_ms\":%.4f,\"p99_ms\":%.4f,"
           "\"ttft_p50_ms\":%.4f,\"ttft_p99_ms\":%.4f,\"events\":%ld}\n",
           done, errors_seen, spent, a[p50] * 1e3, a[p99] * 1e3, b[p50] * 1e3, b[p99] * 1e3, events_seen);
    return 0;
}
