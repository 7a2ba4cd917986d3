/*
 * Clock, processor and chips in a checkpoint. What is read is first tried on chips that are connected to
 * nothing, so that a value that a chip refuses is found before anything has been changed.
 *
 *   machine   qword guest time; qword RTC epoch; dword events; of each: 16 bytes name, qword time;
 *             in the order in which they will be due, equal times in the order of arming
 *   cpu       the fields of cpu/snapshot.c
 *   NAME      a chip's declared state: its class's name, #1 behind it for the second of a class ...;
 *             the section's version is the class's
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "machine/checkpoint_impl.h"

#define EVENT_NAME 16u
#define NOW_MAX (UINT64_MAX / 4) /* 146 years: far from where sums of times could overflow */

/* ---- events ------------------------------------------------------------------------------------- */

#define EVENT(member) offsetof(struct machine, member)

/*
 * Every event that a chip can arm. `exact`: armed at its time if and only if the chip's state says so.
 * The others look at their chip's state when they fire, and may fire at any time.
 */
static const struct event_place {
	const char *name;
	size_t at;
	bool exact;
} places[] = {
	{ "pit", EVENT(pit.event), false },
	{ "kbc", EVENT(kbc.event), false },
	{ "rtc", EVENT(rtc.event), false },
	{ "com1", EVENT(uart[0].event), false },
	{ "com2", EVENT(uart[1].event), false },
	{ "com3", EVENT(uart[2].event), false },
	{ "com4", EVENT(uart[3].event), false },
	{ "fdc", EVENT(fdc.event), true },
	{ "fdc seek 0", EVENT(fdc.seek[0].event), true },
	{ "fdc seek 1", EVENT(fdc.seek[1].event), true },
	{ "fdc seek 2", EVENT(fdc.seek[2].event), true },
	{ "fdc seek 3", EVENT(fdc.seek[3].event), true },
	{ "ata 0", EVENT(ata[0].drive[0].busy_end), true },
	{ "ata 1", EVENT(ata[0].drive[1].busy_end), true },
	{ "ata 2", EVENT(ata[1].drive[0].busy_end), true },
	{ "ata 3", EVENT(ata[1].drive[1].busy_end), true },
};
#define PLACES (sizeof(places) / sizeof(places[0]))

static struct event *event_at(struct machine *m, size_t place)
{
	return (struct event *)((uint8_t *)m + places[place].at);
}

static size_t place_of(struct machine *m, const struct event *e)
{
	size_t i = 0;

	while (i < PLACES && event_at(m, i) != e)
		i++;
	return i;
}

struct restored_state {
	ns_t now;
	int64_t epoch;
	unsigned events;
	struct {
		size_t place;
		ns_t when;
	} event[PLACES];
	struct cpu_snapshot cpu;
	const struct section *device[PC_DEVICES]; /* borrowed */
};

/* ---- out ------------------------------------------------------------------------------------------- */

static void device_section(const struct machine *m, unsigned n, char name[SECTION_NAME + 8])
{
	const char *cls = m->device[n]->cls->name;
	unsigned before = 0;

	for (unsigned i = 0; i < n; i++)
		before += !strcmp(m->device[i]->cls->name, cls);
	snprintf(name, SECTION_NAME + 8, before ? "%.12s#%u" : "%.16s", cls, before);
}

static void save_machine(struct writer *w, struct machine *m)
{
	uint32_t count = 0;

	for (const struct event *e = m->clock.head; e; e = e->next)
		count++;
	writer_number(w, m->clock.now, 8);
	writer_number(w, (uint64_t)m->rtc.epoch, 8);
	writer_number(w, count, 4);
	for (const struct event *e = m->clock.head; e; e = e->next) {
		size_t place = place_of(m, e);
		char name[EVENT_NAME] = { 0 };

		if (place == PLACES) {
			writer_fail(w, "checkpoints do not know the event %s", e->name);
			return;
		}
		strncpy(name, places[place].name, sizeof(name) - 1);
		writer_bytes(w, name, sizeof(name));
		writer_number(w, e->when, 8);
	}
	writer_section(w, "machine", 1);
}

static void save_fields(struct writer *w, const struct field *f, const void *obj, const char *name,
			uint32_t version)
{
	size_t size = fields_size(f);
	uint8_t *to = writer_room(w, size);

	if (!to)
		return;
	fields_save(f, obj, to, size);
	writer_section(w, name, version);
}

void state_save(struct writer *w, struct machine *m)
{
	struct cpu_snapshot cpu;

	save_machine(w, m);
	cpu_take_snapshot(m->cpu, &cpu);
	save_fields(w, cpu_snapshot_fields, &cpu, "cpu", 1);
	for (unsigned i = 0; i < m->devices; i++) {
		const struct device_class *cls = m->device[i]->cls;
		char name[SECTION_NAME + 8];

		device_section(m, i, name);
		save_fields(w, cls->state, device_state(m->device[i]), name, cls->version);
	}
}

/* ---- in -------------------------------------------------------------------------------------------- */

static bool read_event(struct restored_state *s, struct cursor *in)
{
	const char *name = (const char *)cursor_bytes(in, EVENT_NAME);
	ns_t when = cursor_number(in, 8);
	size_t place = 0;

	if (in->bad || name[EVENT_NAME - 1])
		return false;
	while (place < PLACES && strcmp(places[place].name, name))
		place++;
	for (unsigned i = 0; i < s->events; i++)
		if (s->event[i].place == place || s->event[i].when > when)
			return false;
	if (place == PLACES || when == NS_NEVER)
		return false;
	s->event[s->events].place = place;
	s->event[s->events++].when = when;
	return true;
}

static bool read_machine(struct reader *r, uint32_t guest, struct restored_state *s)
{
	const struct section *sec = reader_take(r, "machine", guest, 1);
	struct cursor in;
	uint32_t count;

	if (!sec)
		return false;
	in = cursor_of(sec);
	s->now = cursor_number(&in, 8);
	s->epoch = (int64_t)cursor_number(&in, 8);
	count = (uint32_t)cursor_number(&in, 4);
	if (s->now > NOW_MAX || s->epoch < -INT64_MAX / 4 || s->epoch > INT64_MAX / 4)
		return reader_refuse(r, sec, "no clock shows such a time");
	for (uint32_t i = 0; i < count; i++)
		if (!read_event(s, &in))
			return reader_refuse(r, sec, "its list of events cannot be");
	return cursor_done(&in) || reader_refuse(r, sec, "it has a wrong length");
}

static bool read_cpu(struct reader *r, uint32_t guest, const struct machine *m, struct restored_state *s)
{
	const struct section *sec = reader_take(r, "cpu", guest, 1);
	const char *flaw;

	if (!sec)
		return false;
	if (!fields_load(cpu_snapshot_fields, &s->cpu, sec->data, sec->len))
		return reader_refuse(r, sec, "it has a wrong length");
	flaw = cpu_snapshot_flaw(m->cpu, &s->cpu);
	return !flaw || reader_refuse(r, sec, "%s cannot have such a value", flaw);
}

/* The state into chips, those of a machine or chips alone. The section whose chip refuses; NULL: none does. */
static const struct section *put_devices(const struct restored_state *s, struct machine *m)
{
	while (m->clock.head)
		clock_cancel(&m->clock, m->clock.head);
	m->clock.now = s->now;
	m->rtc.epoch = s->epoch;
	/* The interrupt controllers last: what the lines do while the others are restored is undone by it. */
	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < m->devices; i++) {
			struct device *d = m->device[i];

			if ((d == &m->pic.dev) != turn)
				continue;
			if (!fields_load(d->cls->state, device_state(d), s->device[i]->data, s->device[i]->len) ||
			    (d->cls->restored && !d->cls->restored(d)))
				return s->device[i];
		}
	}
	return NULL;
}

/* Does what the chips have armed agree with the list? */
static bool events_agree(const struct restored_state *s, struct machine *m)
{
	ns_t listed[PLACES];

	for (size_t i = 0; i < PLACES; i++)
		listed[i] = NS_NEVER;
	for (unsigned i = 0; i < s->events; i++)
		listed[s->event[i].place] = s->event[i].when;
	for (size_t i = 0; i < PLACES; i++) {
		const struct event *e = event_at(m, i);

		if (places[i].exact && (e->armed ? e->when : NS_NEVER) != listed[i])
			return false;
	}
	return true;
}

static bool try_out(struct reader *r, const struct section *machine, const struct restored_state *s,
		    const struct machine *m)
{
	struct machine *alone = calloc(1, sizeof(*alone));
	const struct section *refused;
	bool agree;

	if (!alone) {
		snprintf(r->err, CHECKPOINT_ERR, "no memory for a checkpoint");
		return false;
	}
	pc_build_chips_alone(alone, m);
	refused = put_devices(s, alone);
	agree = !refused && events_agree(s, alone);
	free(alone);
	if (refused)
		return reader_refuse(r, refused, "the chip cannot be in such a state");
	return agree || reader_refuse(r, machine, "its list of events does not fit the chips' states");
}

struct restored_state *state_read(struct reader *r, uint32_t guest, struct machine *m)
{
	struct restored_state *s = calloc(1, sizeof(*s));
	const struct section *machine = &r->section[r->at];
	bool good;

	if (!s) {
		snprintf(r->err, CHECKPOINT_ERR, "no memory for a checkpoint");
		return NULL;
	}
	good = read_machine(r, guest, s) && read_cpu(r, guest, m, s);
	for (unsigned i = 0; good && i < m->devices; i++) {
		char name[SECTION_NAME + 8];

		device_section(m, i, name);
		s->device[i] = reader_take(r, name, guest, m->device[i]->cls->version);
		good = s->device[i];
	}
	if (good && try_out(r, machine, s, m))
		return s;
	free(s);
	return NULL;
}

void state_apply(struct restored_state *s, struct machine *m)
{
	put_devices(s, m);
	while (m->clock.head)
		clock_cancel(&m->clock, m->clock.head);
	for (unsigned i = 0; i < s->events; i++)
		clock_schedule(&m->clock, event_at(m, s->event[i].place), s->event[i].when);
	m->powered_off = m->power.s.requested;
	m->exited = m->cfg.debug_exit_port && m->debug_exit.s.requested;
	m->exit_code = m->exited ? debug_exit_code(&m->debug_exit) : 0;
	m->halted = false;
	m->stop = MACHINE_RAN;
	cpu_put_snapshot(m->cpu, &s->cpu);
	machine_time_was_set(m);
}

void state_free(struct restored_state *s)
{
	free(s);
}
