/*
 * gdb's remote serial protocol. Follows: "Debugging with GDB", appendix E, "GDB Remote Serial Protocol"; E.2
 * (stop replies), E.4 (general queries), G (target descriptions).
 *
 * One description holds for the whole session, whatever mode the processor is in: an i386 with SSE, and the
 * segment bases and control registers besides, so that `x/5i $cs_base+$eip` is right in real mode too.
 * Addresses are linear; what the page tables do not map cannot be read.
 *
 * NOT IMPLEMENTED: watchpoints, threads, reverse execution, memory maps.
 */
#include "frontend/gdb.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine/debug.h"

#define PACKET_MAX 0x4000u
#define MEMORY_MAX (PACKET_MAX / 2 - 8)
#define SEND_MS 2000 /* a debugger that takes nothing for so long is gone */

enum signal_number { GDB_SIGINT = 2, GDB_SIGTRAP = 5, GDB_SIGSEGV = 11 };

struct gdb {
	struct monitor *mon;
	int listening, fd;      /* fd -1: nobody is connected */
	bool no_ack, quit;
	bool waits;             /* the debugger has let the machine go and waits for its stop */
	unsigned signal;        /* of the last stop */
	char *description;      /* the target's */
	size_t len;
	uint8_t in[PACKET_MAX + 8];
	char out[PACKET_MAX + 8];
};

/* ---- the connection ------------------------------------------------------------------------------- */

static void hang_up(struct gdb *g)
{
	uint32_t lin[DEBUG_BREAKPOINTS];
	unsigned n;

	if (g->fd < 0)
		return;
	close(g->fd);
	g->fd = -1;
	/* A debugger that is gone has left: the machine goes on without its breakpoints. */
	n = machine_breakpoints(g->mon->m, lin);
	while (n--)
		machine_remove_breakpoint(g->mon->m, lin[n]);
	g->mon->paused = false;
}

static bool send_all(struct gdb *g, const char *b, size_t n)
{
	while (n && g->fd >= 0) {
		ssize_t done = send(g->fd, b, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		struct pollfd p = { .fd = g->fd, .events = POLLOUT };

		if (done > 0) {
			b += done;
			n -= (size_t)done;
		} else if (done < 0 && errno == EINTR) {
			continue;
		} else if (done == 0 || errno != EAGAIN || poll(&p, 1, SEND_MS) != 1) {
			hang_up(g);
		}
	}
	return g->fd >= 0;
}

/* $text#checksum; the text has no character that would have to be escaped. */
static void reply(struct gdb *g, const char *text)
{
	unsigned sum = 0;
	char tail[4];

	for (const char *s = text; *s; s++)
		sum += (unsigned char)*s;
	snprintf(tail, sizeof(tail), "#%02x", sum & 255);
	if (send_all(g, "$", 1) && send_all(g, text, strlen(text)))
		send_all(g, tail, 3);
}

static void accept_one(struct gdb *g)
{
	int fd = accept(g->listening, NULL, NULL);

	if (fd < 0)
		return;
	if (g->fd >= 0) { /* one at a time */
		close(fd);
		return;
	}
	g->fd = fd;
	g->len = 0;
	g->no_ack = g->waits = false;
	g->signal = GDB_SIGTRAP;
	g->mon->paused = true; /* it wants to look */
}

static int listen_at(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1) == 0)
		return fd;
	close(fd);
	return -1;
}

struct gdb *gdb_new(const char *where, struct monitor *mon, char err[256])
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	const char *colon = strncmp(where, "tcp:", 4) ? NULL : strchr(where + 4, ':');
	struct addrinfo *found = NULL;
	struct gdb *g;
	char host[128];

	if (!colon || !isdigit((unsigned char)colon[1]) || colon - where - 4 >= (ptrdiff_t)sizeof(host)) {
		snprintf(err, 256, "-gdb %.100s: tcp::PORT or tcp:HOST:PORT is wanted", where);
		return NULL;
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - where - 4), where + 4);
	g = calloc(1, sizeof(*g));
	if (!g || !(g->description = gdb_target_xml())) {
		snprintf(err, 256, "no memory for -gdb");
		free(g);
		return NULL;
	}
	g->mon = mon;
	g->fd = g->listening = -1;
	if (getaddrinfo(*host ? host : "127.0.0.1", colon + 1, &hints, &found) == 0)
		for (struct addrinfo *a = found; a && g->listening < 0; a = a->ai_next)
			g->listening = listen_at(a);
	if (found)
		freeaddrinfo(found);
	if (g->listening >= 0)
		return g;
	snprintf(err, 256, "-gdb %.100s: cannot listen there: %s; another program may have that port", where,
		 strerror(errno));
	gdb_free(g);
	return NULL;
}

void gdb_free(struct gdb *g)
{
	if (!g)
		return;
	if (g->fd >= 0)
		close(g->fd);
	if (g->listening >= 0)
		close(g->listening);
	free(g->description);
	free(g);
}

bool gdb_connected(const struct gdb *g)
{
	return g && g->fd >= 0;
}

/* ---- hexadecimal ----------------------------------------------------------------------------------- */

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char *put_hex(char *at, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*at++ = "0123456789abcdef"[b[i] >> 4];
		*at++ = "0123456789abcdef"[b[i] & 15];
	}
	*at = 0;
	return at;
}

/* Bytes taken, up to n; stops at what is no hexadecimal. */
static size_t get_hex(const char *s, uint8_t *b, size_t n)
{
	size_t i = 0;

	for (; i < n && digit(s[2 * i]) >= 0 && digit(s[2 * i + 1]) >= 0; i++)
		b[i] = (uint8_t)(digit(s[2 * i]) << 4 | digit(s[2 * i + 1]));
	return i;
}

/* A number and the character that must follow it (0: the end); *s goes behind it. */
static bool number(const char **s, char follows, uint32_t *v)
{
	const char *at = *s;
	uint64_t sum = 0;

	for (; digit(*at) >= 0; at++)
		if ((sum = sum << 4 | (unsigned)digit(*at)) > UINT32_MAX)
			return false;
	if (at == *s || *at != follows)
		return false;
	*v = (uint32_t)sum;
	*s = at + (follows != 0);
	return true;
}

/* ---- packets ---------------------------------------------------------------------------------------- */

static void read_registers(struct gdb *g)
{
	uint8_t value[DEBUG_BYTES_MAX];
	char *at = g->out;

	for (unsigned n = 0; n < DEBUG_REGISTERS; n++) {
		machine_get_register(g->mon->m, n, value);
		at = put_hex(at, value, debug_registers[n].bytes);
	}
	reply(g, g->out);
}

static void write_registers(struct gdb *g, const char *s)
{
	bool good = true;

	for (unsigned n = 0; n < DEBUG_REGISTERS && *s; n++) {
		uint8_t value[DEBUG_BYTES_MAX] = { 0 };
		size_t bytes = debug_registers[n].bytes;

		if (get_hex(s, value, bytes) != bytes) {
			good = false;
			break;
		}
		good &= machine_set_register(g->mon->m, n, value);
		s += 2 * bytes;
	}
	reply(g, good ? "OK" : "E01");
}

static void read_register(struct gdb *g, const char *s)
{
	uint8_t value[DEBUG_BYTES_MAX];
	uint32_t n;

	if (!number(&s, 0, &n) || n >= DEBUG_REGISTERS) {
		reply(g, "E01");
		return;
	}
	machine_get_register(g->mon->m, n, value);
	put_hex(g->out, value, debug_registers[n].bytes);
	reply(g, g->out);
}

static void write_register(struct gdb *g, const char *s)
{
	uint8_t value[DEBUG_BYTES_MAX] = { 0 };
	uint32_t n;
	bool good = number(&s, '=', &n) && n < DEBUG_REGISTERS &&
		    get_hex(s, value, debug_registers[n].bytes) == debug_registers[n].bytes &&
		    machine_set_register(g->mon->m, n, value);

	reply(g, good ? "OK" : "E01");
}

static void read_memory(struct gdb *g, const char *s)
{
	uint8_t b[MEMORY_MAX];
	uint32_t a, len;

	if (!number(&s, ',', &a) || !number(&s, 0, &len)) {
		reply(g, "E01");
		return;
	}
	len = len < MEMORY_MAX ? len : MEMORY_MAX;
	len = machine_peek(g->mon->m, a, true, b, len);
	put_hex(g->out, b, len);
	reply(g, len ? g->out : "E0e");
}

/* `b`: as many bytes as there are; the packet says how many it means. */
static void write_memory(struct gdb *g, uint32_t a, uint32_t len, const uint8_t *b, size_t have)
{
	reply(g, len <= have && machine_poke(g->mon->m, a, true, b, len) == len ? "OK" : "E0e");
}

/* M: hexadecimal. X: bytes, of which } escapes the next one. `end`: behind the packet's last byte. */
static void write_packet(struct gdb *g, const char *s, const char *end, bool binary)
{
	uint8_t b[PACKET_MAX];
	uint32_t a, len;
	size_t have = 0;

	if (!number(&s, ',', &a) || !number(&s, ':', &len)) {
		reply(g, "E01");
		return;
	}
	if (!binary)
		have = get_hex(s, b, sizeof(b));
	while (binary && s < end && have < sizeof(b)) {
		bool escaped = *s == '}' && s + 1 < end;

		s += escaped;
		b[have++] = (uint8_t)(*s++ ^ (escaped ? 0x20 : 0));
	}
	write_memory(g, a, len, b, have);
}

/* Z0 and Z1: software or hardware makes no difference here. */
static void set_breakpoint(struct gdb *g, const char *s, bool set)
{
	bool good;
	uint32_t a;

	if (*s != '0' && *s != '1') {
		reply(g, ""); /* no watchpoints */
		return;
	}
	s++;
	if (*s++ != ',' || !number(&s, ',', &a)) {
		reply(g, "E01");
		return;
	}
	good = set ? machine_add_breakpoint(g->mon->m, a) : (machine_remove_breakpoint(g->mon->m, a), true);
	reply(g, good ? "OK" : "E1c");
}

static void tell_stop(struct gdb *g)
{
	char text[16];

	snprintf(text, sizeof(text), "S%02x", g->signal);
	g->waits = false;
	reply(g, text);
}

/* c and s may say where to go on. */
static void go_on(struct gdb *g, const char *s, bool step)
{
	uint32_t a;
	uint8_t value[DEBUG_BYTES_MAX] = { 0 };
	enum machine_stop why;

	if (number(&s, 0, &a)) {
		for (unsigned i = 0; i < 4; i++)
			value[i] = (uint8_t)(a >> 8 * i);
		machine_set_register(g->mon->m, 8, value);
	}
	g->waits = true;
	if (!step) {
		g->mon->paused = false;
		return;
	}
	why = machine_run(g->mon->m, NS_PER_SECOND, 1);
	g->signal = why == MACHINE_TRIPLE_FAULT ? GDB_SIGSEGV : GDB_SIGTRAP;
	tell_stop(g);
}

/* A part of the target description: m when more follows, l for the last one. */
static void send_description(struct gdb *g, const char *s)
{
	uint32_t from, len;
	size_t all = strlen(g->description);

	if (strncmp(s, "target.xml:", 11)) {
		reply(g, "E00");
		return;
	}
	s += 11;
	if (!number(&s, ',', &from) || !number(&s, 0, &len) || from > all) {
		reply(g, "E01");
		return;
	}
	len = len < PACKET_MAX - 8 ? len : PACKET_MAX - 8;
	snprintf(g->out, sizeof(g->out), "%c%.*s", all - from > len ? 'm' : 'l', (int)len, g->description + from);
	reply(g, g->out);
}

/* gdb's `monitor COMMAND`: its text comes and goes in hexadecimal. */
static void command(struct gdb *g, const char *s)
{
	char line[512], err[256] = "", *text = NULL;
	size_t n = get_hex(s, (uint8_t *)line, sizeof(line) - 1), len = 0;
	FILE *out = open_memstream(&text, &len), *before = g->mon->out;
	enum monitor_result r;

	if (!out) {
		reply(g, "E01");
		return;
	}
	line[n] = 0;
	g->mon->out = out;
	r = monitor_command(g->mon, line, err);
	g->mon->out = before;
	if (r == MONITOR_BUSY) {
		g->mon->busy = BUSY_NOT;
		fprintf(out, "%s takes guest time: not from here, where the machine is stopped\n", line);
	} else if (r != MONITOR_DONE && r != MONITOR_QUIT) {
		fprintf(out, "%s\n", err);
	}
	fclose(out);
	g->quit |= r == MONITOR_QUIT;
	len = len < MEMORY_MAX ? len : MEMORY_MAX;
	put_hex(g->out, (const uint8_t *)text, len);
	reply(g, len ? g->out : "OK");
	free(text);
}

static void query(struct gdb *g, const char *s)
{
	if (!strncmp(s, "qSupported", 10))
		reply(g, "PacketSize=4000;qXfer:features:read+;QStartNoAckMode+");
	else if (!strncmp(s, "qXfer:features:read:", 20))
		send_description(g, s + 20);
	else if (!strcmp(s, "QStartNoAckMode"))
		reply(g, "OK"), g->no_ack = true;
	else if (!strncmp(s, "qRcmd,", 6))
		command(g, s + 6);
	else if (!strncmp(s, "qAttached", 9))
		reply(g, "1");
	else if (!strcmp(s, "qC"))
		reply(g, "QC1");
	else if (!strcmp(s, "qfThreadInfo"))
		reply(g, "m1");
	else if (!strcmp(s, "qsThreadInfo"))
		reply(g, "l");
	else
		reply(g, "");
}

static void packet(struct gdb *g, const char *s, const char *end)
{
	switch (*s) {
	case '?': tell_stop(g); break;
	case 'g': read_registers(g); break;
	case 'G': write_registers(g, s + 1); break;
	case 'p': read_register(g, s + 1); break;
	case 'P': write_register(g, s + 1); break;
	case 'm': read_memory(g, s + 1); break;
	case 'M': write_packet(g, s + 1, end, false); break;
	case 'X': write_packet(g, s + 1, end, true); break;
	case 'c': go_on(g, s + 1, false); break;
	case 'C': go_on(g, "", false); break; /* the guest knows no signals */
	case 's': go_on(g, s + 1, true); break;
	case 'S': go_on(g, "", true); break;
	case 'Z': set_breakpoint(g, s + 1, true); break;
	case 'z': set_breakpoint(g, s + 1, false); break;
	case 'H':
	case 'T': reply(g, "OK"); break; /* there is one processor */
	case 'q':
	case 'Q': query(g, s); break;
	case 'D':
		reply(g, "OK");
		hang_up(g);
		break;
	case 'k': g->quit = true; break;
	default: reply(g, ""); break;
	}
}

/* ---- bytes in --------------------------------------------------------------------------------------- */

static void stop(struct gdb *g)
{
	g->mon->paused = true;
	g->signal = GDB_SIGINT;
	if (g->waits)
		tell_stop(g);
}

/* Takes one whole thing out of the buffer. False: there is none. */
static bool take_one(struct gdb *g)
{
	uint8_t *b = g->in, *hash;
	unsigned sum = 0, said;
	size_t n;

	if (!g->len)
		return false;
	if (*b != '$') { /* 03 is Ctrl-C; + and - are answers, and what is lost is asked for again by gdb */
		bool ctrl_c = *b == 3;

		memmove(b, b + 1, --g->len);
		if (ctrl_c)
			stop(g);
		return true;
	}
	hash = memchr(b, '#', g->len);
	if (!hash || (size_t)(hash - b) + 3 > g->len) {
		if (g->len == sizeof(g->in))
			hang_up(g); /* no debugger sends that much */
		return false;
	}
	n = (size_t)(hash - b) + 3;
	for (uint8_t *p = b + 1; p < hash; p++)
		sum += *p;
	said = (unsigned)(digit((char)hash[1]) << 4 | digit((char)hash[2]));
	if (!g->no_ack && !send_all(g, said == (sum & 255) ? "+" : "-", 1))
		return false;
	if (g->no_ack || said == (sum & 255)) {
		*hash = 0;
		packet(g, (char *)b + 1, (char *)hash);
	}
	if (g->fd >= 0) {
		g->len -= n;
		memmove(b, b + n, g->len);
	}
	return g->fd >= 0;
}

/* All that has come, up to the end of the connection. */
static void take_bytes(struct gdb *g)
{
	while (g->fd >= 0 && !g->quit) {
		ssize_t n = recv(g->fd, g->in + g->len, sizeof(g->in) - g->len, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			hang_up(g);
			return;
		}
		g->len += (size_t)n;
		while (!g->quit && take_one(g))
			;
	}
}

bool gdb_poll(struct gdb *g, int wait_ms)
{
	struct pollfd p[2] = { { .fd = g->listening, .events = POLLIN }, { .fd = g->fd, .events = POLLIN } };

	if (poll(p, 2, wait_ms) > 0) {
		/* Who leaves makes room for who comes. */
		if (g->fd >= 0 && p[1].revents)
			take_bytes(g);
		if (p[0].revents)
			accept_one(g);
	}
	return !g->quit;
}

/* ---- what the machine does ---------------------------------------------------------------------------- */

bool gdb_stopped(struct gdb *g, enum machine_stop why)
{
	if (!gdb_connected(g) || (why != MACHINE_BREAKPOINT && why != MACHINE_TRIPLE_FAULT))
		return false;
	if (why == MACHINE_TRIPLE_FAULT && g->signal == GDB_SIGSEGV)
		return false; /* it has seen that, and let the machine go on */
	g->mon->paused = true;
	g->signal = why == MACHINE_TRIPLE_FAULT ? GDB_SIGSEGV : GDB_SIGTRAP;
	if (g->waits)
		tell_stop(g);
	return true;
}

void gdb_exited(struct gdb *g, int code)
{
	char text[16];

	if (!gdb_connected(g))
		return;
	snprintf(text, sizeof(text), "W%02x", (unsigned)code & 255);
	reply(g, text);
}
