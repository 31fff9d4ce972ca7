/*
 * steady-server, the well-behaved HTTP server of the drop measurements: it keeps connections open,
 * and on SIGTERM it takes in what has reached it, answers that, and ends when nothing is left.
 *   PORT, BIND          where it listens (8080 on every address)
 *   GET /work?ms=N&id=X answers X after N ms
 *   GET /health         200, or 500 when built with -DUNHEALTHY
 *   --health            asks the server beside it, and exits with 0 or 1
 * Every answer names its process (X-Instance) and whether that was told to stop (X-Stopping).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "dev"
#endif
#ifndef UNHEALTHY
#define UNHEALTHY 0
#endif

#define CONNECTIONS_MAX 2048
#define REQUEST_MAX 2048
/* A connection that has never said anything gets this long after SIGTERM to do so. */
#define SILENT_MS 1000

struct connection {
  int fd;
  size_t have;
  int served;          /* answers so far */
  long answer_at;      /* 0: no request is being worked on */
  int close_after;
  char path[256];
  char in[REQUEST_MAX + 1];
};

static struct connection connections[CONNECTIONS_MAX];
static int open_connections = 0;
static char instance[64];
static volatile sig_atomic_t stop_asked = 0;
static long stopping_since = 0;

static void stop(int signal_number) {
  (void)signal_number;
  stop_asked = 1;
}

static long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

static struct sockaddr_in own_address(const char *fallback) {
  const char *bind_to = getenv("BIND");
  const char *port = getenv("PORT");
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_port = htons((unsigned short)(port != NULL ? atoi(port) : 8080));
  inet_pton(AF_INET, bind_to != NULL ? bind_to : fallback, &address.sin_addr);
  return address;
}

static int open_listener(void) {
  struct sockaddr_in address = own_address("0.0.0.0");
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) return -1;
  return listen(listener, 512) == 0 ? listener : -1;
}

static int ask_health(void) {
  struct sockaddr_in address = own_address("127.0.0.1");
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  char reply[64] = "";
  const char *request = "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) return 1;
  if (write(fd, request, strlen(request)) < 0 || read(fd, reply, sizeof reply - 1) <= 0) return 1;
  return strncmp(reply, "HTTP/1.1 200", 12) == 0 ? 0 : 1;
}

static void drop(struct connection *one) {
  close(one->fd);
  *one = connections[--open_connections];
}

static void answer(struct connection *one) {
  char body[320];
  char reply[1024];
  const char *id = strstr(one->path, "id=");
  int health = strncmp(one->path, "/health", 7) == 0;
  int last = one->close_after || stopping_since != 0;
  int size = snprintf(body, sizeof body, "%s\n", health ? VERSION : id != NULL ? id + 3 : "");
  int total = snprintf(reply, sizeof reply,
                       "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                       "X-Instance: %s\r\nX-Version: %s\r\nX-Stopping: %d\r\nConnection: %s\r\n\r\n%s",
                       health && UNHEALTHY ? "500 Internal Server Error" : "200 OK", size, instance,
                       VERSION, stopping_since != 0, last ? "close" : "keep-alive", body);
  one->answer_at = 0;
  one->served++;
  one->close_after = last;
  /* An answer is smaller than any send buffer, and the connection has nothing else in it. */
  if (send(one->fd, reply, (size_t)total, MSG_NOSIGNAL) != total) one->close_after = 1;
}

/* 1: a whole request is there and is being worked on. */
static int take_request(struct connection *one) {
  char *end = strstr(one->in, "\r\n\r\n");
  if (end == NULL) return 0;
  size_t length = (size_t)(end - one->in) + 4;
  *end = '\0';
  one->path[0] = '\0';
  sscanf(one->in, "GET %255s", one->path);
  const char *ms = strstr(one->path, "ms=");
  one->close_after = strcasestr(one->in, "\r\nconnection: close") != NULL;
  one->answer_at = now_ms() + (ms != NULL ? atol(ms + 3) : 0);
  one->have -= length;
  memmove(one->in, one->in + length, one->have + 1);
  return 1;
}

/* 0: the client has gone. */
static int read_more(struct connection *one) {
  for (;;) {
    ssize_t got = recv(one->fd, one->in + one->have, REQUEST_MAX - one->have, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return 0;
    one->have += (size_t)got;
    one->in[one->have] = '\0';
    return 1;
  }
}

static void accept_all(int listener) {
  while (open_connections < CONNECTIONS_MAX) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    struct connection *one = &connections[open_connections++];
    memset(one, 0, sizeof *one);
    one->fd = fd;
  }
}

/* What there is to do now, without waiting; backwards, because `drop` fills gaps from the end. */
static void work(long now) {
  for (int i = open_connections - 1; i >= 0; i--) {
    struct connection *one = &connections[i];
    if (one->answer_at == 0 && !read_more(one)) {
      drop(one);
      continue;
    }
    if (one->answer_at == 0) take_request(one);
    if (one->answer_at != 0 && one->answer_at <= now) {
      answer(one);
      if (one->close_after) {
        drop(one);
        continue;
      }
    }
    int waits = one->have > 0 || (one->served == 0 && now - stopping_since < SILENT_MS);
    if (stopping_since != 0 && one->answer_at == 0 && !waits) drop(one);
  }
}

static long next_wake(long now) {
  long wake = stopping_since != 0 ? now + 10 : now + 1000;
  for (int i = 0; i < open_connections; i++) {
    long at = connections[i].answer_at;
    if (at != 0 && at < wake) wake = at;
  }
  return wake > now ? wake - now : 0;
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--health") == 0) return ask_health();
  setvbuf(stdout, NULL, _IOLBF, 0);
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  char host[32] = "";
  gethostname(host, sizeof host - 1);
  const char *port = getenv("PORT");
  snprintf(instance, sizeof instance, "%s-%s-%lx", host, port != NULL ? port : "", now_ms());
  int listener = open_listener();
  if (listener < 0) {
    perror("cannot listen");
    return 98;
  }
  printf("steady-server %s listens\n", VERSION);
  static struct pollfd waiting[CONNECTIONS_MAX + 1];
  while (stopping_since == 0 || open_connections > 0) {
    long wait_ms = next_wake(now_ms());
    struct timespec limit = {wait_ms / 1000, (wait_ms % 1000) * 1000000L};
    for (int i = 0; i < open_connections; i++) {
      /* Nothing is read while a request is being worked on; poll skips what is negative. */
      int fd = connections[i].answer_at == 0 ? connections[i].fd : -1;
      waiting[i + 1] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    waiting[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    ppoll(waiting, (nfds_t)open_connections + 1, &limit, &before);
    if (listener >= 0) accept_all(listener);
    if (stop_asked && stopping_since == 0) {
      stopping_since = now_ms();
      close(listener);
      listener = -1;
      printf("stopping with %d connections\n", open_connections);
    }
    work(now_ms());
  }
  printf("stopped\n");
  return 0;
}
