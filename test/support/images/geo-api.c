/*
 * geo-api-server, the service that the tests and the demo deploy: one static program, no libraries.
 *   PORT, BIND          where it listens (8080 on every address)
 *   GET /health         200, or 500 when built with -DUNHEALTHY
 *   anything else       200 and the version
 *   -DCRASH_MS=n        exits with code 3 after n ms
 *   DRAIN_MS            how long it goes on answering after SIGTERM
 */
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
#ifndef CRASH_MS
#define CRASH_MS 0
#endif

static volatile sig_atomic_t stopping = 0;

static void stop(int signal_number) {
  (void)signal_number;
  stopping = 1;
}

static long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

static long number(const char *name, long fallback) {
  const char *text = getenv(name);
  return text != NULL && *text != '\0' ? atol(text) : fallback;
}

static int open_listener(void) {
  const char *bind_to = getenv("BIND");
  struct sockaddr_in address = {.sin_family = AF_INET};
  address.sin_port = htons((unsigned short)number("PORT", 8080));
  if (inet_pton(AF_INET, bind_to != NULL ? bind_to : "0.0.0.0", &address.sin_addr) != 1) return -1;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0) return -1;
  return listen(listener, 256) == 0 ? listener : -1;
}

static void answer(int connection) {
  char request[2048];
  char reply[512];
  char body[128];
  struct timeval limit = {.tv_sec = 2};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ssize_t length = read(connection, request, sizeof request - 1);
  if (length <= 0) return;
  request[length] = '\0';
  int health = strncmp(request, "GET /health", 11) == 0;
  int ok = !(health && UNHEALTHY);
  int size = snprintf(body, sizeof body, health ? "{\"healthy\":%s,\"version\":\"%s\"}\n" : "%.0s%s\n",
                      ok ? "true" : "false", VERSION);
  int total = snprintf(reply, sizeof reply,
                       "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                       "Connection: close\r\n\r\n%s",
                       ok ? "200 OK" : "500 Internal Server Error", size, body);
  if (write(connection, reply, (size_t)total) < 0) perror("write");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  int listener = open_listener();
  if (listener < 0) {
    fprintf(stderr, "cannot listen on port %ld: %s\n", number("PORT", 8080), strerror(errno));
    return 98;
  }
  printf("geo-api-server %s pid %d listening on %ld\n", VERSION, getpid(), number("PORT", 8080));
  long started = now_ms();
  long drain_until = 0;
  for (;;) {
    if (stopping && drain_until == 0) drain_until = now_ms() + number("DRAIN_MS", 0);
    if (drain_until != 0 && now_ms() >= drain_until) break;
    if (CRASH_MS > 0 && now_ms() - started >= CRASH_MS) {
      fprintf(stderr, "crashing on purpose\n");
      return 3;
    }
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    if (poll(&waiting, 1, CRASH_MS > 0 || drain_until != 0 ? 10 : 200) <= 0) continue;
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) continue;
    answer(connection);
    close(connection);
  }
  printf("stopped\n");
  return 0;
}
