/* A loopback server of Chat Completions that is never the bottleneck: one thread, epoll, HTTP/1.1 with keep-alive.
 *
 *   server LATENCY_MS text|call
 *
 * Prints its port, then answers until it is killed. Every POST is answered LATENCY_MS after it has come in whole: with
 * text, or with one valid tool call. Where it calls, a conversation that ends in a tool's reply is answered with text at
 * once, so that who goes on needs no longer at best. GET tells what was seen so far, as JSON: the requests, the
 * connections, the most requests that were open at once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 65536
#define EVENTS 1024

struct connection {
    char *data;
    size_t length, capacity;
    unsigned generation; /* of the file descriptor, which is used again */
    int open, waiting;
};

struct due {
    double at;
    int fd;
    unsigned generation;
};

static struct connection connections[MOST];
static struct due queue[MOST]; /* a ring: one latency for all, so who comes first is due first */
static unsigned first, last;
static long requests, accepted, in_flight, most;
static double latency;
static int calling, poller;
static char text[4096], call[4096];

static const char *USAGE = "\"usage\":{\"prompt_tokens\":412,\"completion_tokens\":38,\"total_tokens\":450,"
                           "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},"
                           "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}}";
static const char *TEXT = "\"message\":{\"role\":\"assistant\",\"content\":\"The kettle is on its way.\","
                          "\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"";
static const char *CALL =
    "\"message\":{\"role\":\"assistant\",\"content\":null,\"refusal\":null,\"annotations\":[],\"tool_calls\":[{"
    "\"id\":\"call_8kD2mW0cPq\",\"type\":\"function\",\"function\":{\"name\":\"order_item\",\"arguments\":"
    "\"{\\\"item\\\": \\\"kettle\\\", \\\"count\\\": 2, \\\"price\\\": 19.5, \\\"gift\\\": false}\"}}]},"
    "\"logprobs\":null,\"finish_reason\":\"tool_calls\"";

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static void write_down(char *into, size_t size, const char *choice) {
    char body[2048];
    int length = snprintf(body, sizeof body,
                          "{\"id\":\"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG\",\"object\":\"chat.completion\","
                          "\"created\":1741570283,\"model\":\"served\",\"choices\":[{\"index\":0,%s}],%s,"
                          "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_fc9f1d7035\"}",
                          choice, USAGE);
    snprintf(into, size, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length,
             body);
}

static void leave(int fd) {
    struct connection *one = &connections[fd];
    in_flight -= one->waiting;
    one->open = one->waiting = 0;
    one->length = 0;
    one->generation++;
    close(fd);
}

/* An answer fits into the buffer of a socket whose peer waits for it: no need to wait for room. */
static void answer(int fd, const char *response) {
    size_t length = strlen(response);
    if (write(fd, response, length) != (ssize_t)length)
        leave(fd);
}

static void tell(int fd) {
    char body[256], response[512];
    int length = snprintf(body, sizeof body, "{\"requests\": %ld, \"connections\": %ld, \"most\": %ld}", requests,
                          accepted, most);
    snprintf(response, sizeof response,
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", length, body);
    answer(fd, response);
}

/* Whether the last role in a body is a tool's. */
static int is_reply(const char *body, size_t length) {
    for (const char *at = body + length; at-- > body;) {
        if (*at != '"' || (size_t)(body + length - at) < 14 || memcmp(at, "\"role\"", 6) != 0)
            continue;
        for (at += 6; *at == ':' || *at == ' ';)
            at++;
        return memcmp(at, "\"tool\"", 6) == 0;
    }
    return 0;
}

/* Takes the next whole request out of what has come in, unless one is being answered. */
static void read_request(int fd) {
    struct connection *one = &connections[fd];
    char *end = one->length ? memmem(one->data, one->length, "\r\n\r\n", 4) : NULL;
    if (one->waiting || !end)
        return;
    size_t head = end + 4 - one->data, body = 0;
    for (char *line = one->data; line && line < end; line = memmem(line, end - line, "\r\n", 2)) {
        line += line == one->data ? 0 : 2;
        if (strncasecmp(line, "content-length:", 15) == 0)
            body = strtoul(line + 15, NULL, 10);
    }
    if (one->length < head + body)
        return;
    int get = memcmp(one->data, "GET ", 4) == 0, reply = calling && is_reply(one->data + head, body);
    one->length -= head + body;
    memmove(one->data, one->data + head + body, one->length);
    if (get) {
        tell(fd);
        return;
    }
    requests++;
    if (reply) {
        answer(fd, text);
        return;
    }
    one->waiting = 1;
    if (++in_flight > most)
        most = in_flight;
    queue[last++ % MOST] = (struct due){now() + latency, fd, one->generation};
}

static void receive(int fd) {
    struct connection *one = &connections[fd];
    for (;;) {
        if (one->capacity - one->length < 16384) {
            one->capacity = one->capacity * 2 + 32768;
            one->data = realloc(one->data, one->capacity);
        }
        ssize_t got = read(fd, one->data + one->length, one->capacity - one->length);
        if (got < 0 && errno == EAGAIN)
            break;
        if (got <= 0) {
            leave(fd);
            return;
        }
        one->length += got;
    }
    read_request(fd);
}

static void welcome(int listener) {
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        int on = 1;
        if (fd >= MOST) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        accepted++;
        connections[fd].open = 1;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

/* Answers what is due; returns the milliseconds until the next is, -1 for none. */
static int serve(void) {
    double time = now();
    while (first != last && queue[first % MOST].at <= time) {
        struct due one = queue[first++ % MOST];
        struct connection *to = &connections[one.fd];
        if (to->generation != one.generation || !to->waiting)
            continue;
        to->waiting = 0;
        in_flight--;
        answer(one.fd, calling ? call : text);
        if (to->open)
            read_request(one.fd);
    }
    return first == last ? -1 : (int)(queue[first % MOST].at - time) + 1;
}

int main(int count, char **arguments) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN};
    if (count != 3) {
        fprintf(stderr, "server LATENCY_MS text|call\n");
        return 2;
    }
    latency = atof(arguments[1]);
    calling = strcmp(arguments[2], "call") == 0;
    write_down(text, sizeof text, TEXT);
    write_down(call, sizeof call, CALL);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)&address, &size)) {
        perror("server");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    poller = epoll_create1(0);
    event.data.fd = listener;
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, serve());
        for (int index = 0; index < ready; index++) {
            if (events[index].data.fd == listener)
                welcome(listener);
            else
                receive(events[index].data.fd);
        }
    }
}
