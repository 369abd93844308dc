/* A model provider that costs next to nothing: one thread, epoll.
 *
 *   mock PORT
 *
 * Answers POST .../chat/completions. The model's name says how: "mock" answers whole,
 * "mock-s200-d5" streams 200 events, 5 ms apart, each its own write. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FD 65536
#define IN_CAP (1 << 20)

struct conn {
    char *in;
    size_t len, cap;
    int left, gap_ms;   /* events still to send */
    double due;         /* when the next one is, seconds */
    int streaming;
};

static struct conn *conns[MAX_FD];
static int streams[MAX_FD], n_streams;
static int ep;
static char whole[2048], event[1024];
static int whole_len, event_len;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void drop(int fd) {
    struct conn *c = conns[fd];
    if (!c) return;
    for (int i = 0; i < n_streams; i++)
        if (streams[i] == fd) { streams[i] = streams[--n_streams]; break; }
    free(c->in);
    free(c);
    conns[fd] = NULL;
    close(fd);
}

static int put(int fd, const char *data, size_t len) {
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n > 0) { data += n; len -= n; continue; }
        if (n < 0 && errno == EAGAIN) { usleep(50); continue; }
        return -1;
    }
    return 0;
}

static void chunk(int fd, const char *data, size_t len) {
    char out[2048];
    int n = snprintf(out, sizeof out, "%zx\r\n%.*s\r\n", len, (int)len, data);
    if (put(fd, out, n) < 0) drop(fd);
}

static void next_event(int fd) {
    struct conn *c = conns[fd];
    if (c->left > 0) {
        c->left--;
        c->due += c->gap_ms / 1e3;
        chunk(fd, event, event_len);
        return;
    }
    static const char end[] =
        "data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
        "\"model\":\"mock\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
        "data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
        "\"model\":\"mock\",\"choices\":[],\"usage\":{\"prompt_tokens\":25,\"completion_tokens\":200,"
        "\"total_tokens\":225}}\n\ndata: [DONE]\n\n";
    c->streaming = 0;
    for (int i = 0; i < n_streams; i++)
        if (streams[i] == fd) { streams[i] = streams[--n_streams]; break; }
    chunk(fd, end, sizeof end - 1);
    if (conns[fd] && put(fd, "0\r\n\r\n", 5) < 0) drop(fd);
}

static void answer(int fd, const char *body, size_t len) {
    const char *model = memmem(body, len, "\"mock", 5);
    int events = 0, gap = 0;
    if (model) sscanf(model, "\"mock-s%d-d%d", &events, &gap);
    if (!events) {
        if (put(fd, whole, whole_len) < 0) drop(fd);
        return;
    }
    static const char head[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                               "transfer-encoding: chunked\r\n\r\n";
    struct conn *c = conns[fd];
    if (put(fd, head, sizeof head - 1) < 0) { drop(fd); return; }
    c->left = events;
    c->gap_ms = gap;
    c->due = now() + gap / 1e3;
    c->streaming = 1;
    streams[n_streams++] = fd;
}

static void readable(int fd) {
    struct conn *c = conns[fd];
    for (;;) {
        if (c->cap - c->len < 65536) {
            if (c->cap >= IN_CAP) { drop(fd); return; }
            c->in = realloc(c->in, c->cap = c->cap ? c->cap * 2 : 131072);
        }
        ssize_t n = recv(fd, c->in + c->len, c->cap - c->len - 1, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) { drop(fd); return; }
        if (n < 0) break;
        c->len += n;
    }
    while (c->len) {
        c->in[c->len] = 0;
        char *end = memmem(c->in, c->len, "\r\n\r\n", 4);
        if (!end) return;
        *end = 0;
        char *cl = strcasestr(c->in, "\r\ncontent-length:");
        size_t body = cl ? strtoul(cl + 17, NULL, 10) : 0;
        *end = '\r';
        size_t total = end - c->in + 4 + body;
        if (c->len < total) return;
        answer(fd, end + 4, body);
        if (!conns[fd]) return;
        memmove(c->in, c->in + total, c->len - total);
        c->len -= total;
    }
}

int main(int argc, char **argv) {
    int port = argc > 1 ? atoi(argv[1]) : 9000, one = 1;
    struct rlimit limit = {MAX_FD, MAX_FD};
    setrlimit(RLIMIT_NOFILE, &limit);
    signal(SIGPIPE, SIG_IGN);
    static const char body[] =
        "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"mock\","
        "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"The capital of France is "
        "Paris, a city on the Seine that has been the seat of its government for most of its history.\","
        "\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":25,"
        "\"completion_tokens\":22,\"total_tokens\":47,\"prompt_tokens_details\":{\"cached_tokens\":0},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":0}},\"system_fingerprint\":\"fp_mock\"}";
    whole_len = snprintf(whole, sizeof whole,
                         "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s",
                         sizeof body - 1, body);
    event_len = snprintf(event, sizeof event,
                         "data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,"
                         "\"model\":\"mock\",\"system_fingerprint\":\"fp_mock\",\"choices\":[{\"index\":0,\"delta\":"
                         "{\"content\":\" token of an answer\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n");
    int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(ls, (void *)&at, sizeof at) || listen(ls, 4096)) { perror("mock"); return 1; }
    ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = ls}, got[512];
    epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
    for (;;) {
        double wait = 1.0, t = now();
        for (int i = 0; i < n_streams; i++) {
            double left = conns[streams[i]]->due - t;
            if (left < wait) wait = left;
        }
        int ms = wait <= 0 ? 0 : (int)(wait * 1e3) + 1;
        int n = epoll_wait(ep, got, 512, ms);
        for (int i = 0; i < n; i++) {
            int fd = got[i].data.fd;
            if (fd != ls) { if (conns[fd]) readable(fd); continue; }
            for (int c; (c = accept4(ls, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
                if (c >= MAX_FD) { close(c); continue; }
                setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                conns[c] = calloc(1, sizeof **conns);
                struct epoll_event e = {.events = EPOLLIN, .data.fd = c};
                epoll_ctl(ep, EPOLL_CTL_ADD, c, &e);
            }
        }
        t = now();
        for (int i = n_streams - 1; i >= 0; i--) {
            int fd = streams[i];
            while (conns[fd] && conns[fd]->streaming && conns[fd]->due <= t) next_event(fd);
        }
    }
}
