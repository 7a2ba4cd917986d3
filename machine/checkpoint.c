/*
 * A checkpoint as a whole: the order of its sections, and that nothing is put in force before all of it
 * has been found good. See checkpoint.h; docs/CHECKPOINT.md has the format.
 *
 *   set    of each guest: 64 bytes name; byte 1: will not run again; byte: its end's code; byte 1: was in HLT
 *          then dword whose turn it is; dword who ran last, plus 1; dword why it does no longer
 */
#include "machine/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "machine/checkpoint_impl.h"

#define GUEST_NAME 64u

/* ---- out ------------------------------------------------------------------------------------------- */

static bool has_ended(struct machine *m)
{
	struct cpu_snapshot cpu;

	cpu_take_snapshot(m->cpu, &cpu);
	return m->powered_off || m->exited || cpu.shutdown;
}

struct memory_file {
	uint8_t *data;
	size_t len, cap;
};

static bool append(void *opaque, const void *bytes, size_t len)
{
	struct memory_file *f = opaque;

	if (f->cap - f->len < len) {
		size_t cap = 2 * f->cap + len;
		uint8_t *grown = realloc(f->data, cap);

		if (!grown)
			return false;
		f->data = grown;
		f->cap = cap;
	}
	memcpy(f->data + f->len, bytes, len);
	f->len += len;
	return true;
}

/*
 * Would its state be believed when it is read again? A chip that refuses a state that it has got into is our
 * mistake, and is better found now than when there is nothing but the file.
 */
static bool would_be_read(struct machine *m, char err[CHECKPOINT_ERR])
{
	struct memory_file f = { 0 };
	struct checkpoint_sink sink = { append, &f };
	struct writer w = { .sink = &sink, .err = err };
	struct restored_state *s = NULL;
	struct reader r = { 0 };

	snprintf(err, CHECKPOINT_ERR, "no memory for a checkpoint");
	writer_begin(&w, 1);
	state_save(&w, m);
	writer_end(&w);
	if (!w.failed && reader_open(&r, f.data, f.len, err))
		s = state_read(&r, 0, m);
	reader_close(&r);
	state_free(s);
	free(f.data);
	return s;
}

static void save_set(struct writer *w, const struct checkpoint_set *s)
{
	struct hypervisor_turn turn = { 0 };

	if (s->h)
		hypervisor_get_turn(s->h, &turn);
	for (unsigned i = 0; i < s->guests; i++) {
		char name[GUEST_NAME] = { 0 };

		snprintf(name, sizeof(name), "%s", s->guest[i].name);
		writer_bytes(w, name, sizeof(name));
		writer_number(w, s->guest[i].over, 1);
		writer_number(w, s->guest[i].code, 1);
		writer_number(w, turn.was_halted[i], 1);
	}
	writer_number(w, turn.turn, 4);
	writer_number(w, turn.current, 4);
	writer_number(w, turn.left, 4);
	writer_section(w, "set", 1);
}

bool checkpoint_write(const struct checkpoint_set *s, const struct checkpoint_sink *sink,
		      char err[CHECKPOINT_ERR])
{
	struct writer w = { .sink = sink, .err = err, .guest = NO_GUEST };

	for (unsigned i = 0; i < s->guests; i++) {
		if (has_ended(s->guest[i].m) && !s->guest[i].over) {
			snprintf(err, CHECKPOINT_ERR, "the guest has ended: there is nothing to go on with");
			return false;
		}
		if (!would_be_read(s->guest[i].m, err))
			return false;
	}
	writer_begin(&w, s->guests);
	save_set(&w, s);
	for (unsigned i = 0; i < s->guests && !w.failed; i++) {
		struct machine *m = s->guest[i].m;

		w.guest = i;
		config_save(&w, m);
		state_save(&w, m);
		disks_save(&w, m);
		memory_save(&w, m);
		/* It goes on as whoever loads the file: with no translation that its tables do not give any more. */
		engine_forget(cpu_engine(m->cpu));
	}
	writer_end(&w);
	return !w.failed;
}

/* ---- in -------------------------------------------------------------------------------------------- */

/* What is known of the file's guests. */
struct set {
	struct {
		char name[GUEST_NAME];
		bool over;
		uint8_t code;
	} guest[HYPERVISOR_GUESTS];
	struct hypervisor_turn turn;
};

/* Everything of one guest that has been found good. */
struct plan {
	struct checkpoint_guest *to;
	uint32_t from;    /* its number in the file */
	struct restored_state *state;
	struct restored_disks disks;
	size_t memory;    /* its first section of memory */
};

static bool read_set(struct reader *r, struct set *set)
{
	const struct section *s = reader_take(r, "set", NO_GUEST, 1);
	struct cursor in;

	if (!s)
		return false;
	in = cursor_of(s);
	for (unsigned i = 0; i < r->guests; i++) {
		const uint8_t *name = cursor_bytes(&in, GUEST_NAME);
		unsigned over = (unsigned)cursor_number(&in, 1), halted;

		set->guest[i].code = (uint8_t)cursor_number(&in, 1);
		halted = (unsigned)cursor_number(&in, 1);
		if (in.bad || name[GUEST_NAME - 1] || over > 1 || halted > 1)
			return reader_refuse(r, s, "it does not describe guests");
		memcpy(set->guest[i].name, name, GUEST_NAME);
		for (char *c = set->guest[i].name; *c; c++)
			if (*c < ' ' || *c > '~')
				return reader_refuse(r, s, "a guest's name is no text");
		set->guest[i].over = over;
		set->turn.was_halted[i] = halted;
	}
	set->turn.turn = (unsigned)cursor_number(&in, 4);
	set->turn.current = (unsigned)cursor_number(&in, 4);
	set->turn.left = (unsigned)cursor_number(&in, 4);
	if (!cursor_done(&in) || set->turn.turn >= r->guests || set->turn.current > r->guests ||
	    set->turn.left >= SWITCH_CAUSES)
		return reader_refuse(r, s, "it has a wrong length or numbers that cannot be");
	return true;
}

static bool read_guest(struct reader *r, struct plan *p, struct unpacker *u)
{
	struct machine *m = p->to->m;

	if (!config_check(r, p->from, m))
		return false;
	p->state = state_read(r, p->from, m);
	if (!p->state || !disks_read(r, p->from, m, u, &p->disks))
		return false;
	p->memory = r->at;
	return memory_check(r, p->from, m, u);
}

static void apply(struct reader *r, struct plan *p, struct unpacker *u)
{
	struct machine *m = p->to->m;

	r->at = p->memory;
	/* Before the tables change under it, and before every page of them would be looked up one by one. */
	engine_forget(cpu_engine(m->cpu));
	memory_apply(r, p->from, m, u);
	disks_apply(&p->disks);
	state_apply(p->state, m);
}

/* Sections of guests that are not wanted, up to those of `guest`. */
static void skip_to(struct reader *r, uint32_t guest)
{
	while (r->at < r->sections && r->section[r->at].guest != guest && r->section[r->at].guest != NO_GUEST)
		r->at++;
}

static bool carry_out(struct reader *r, struct plan *p, unsigned plans, const struct set *set,
		      struct hypervisor *h, struct unpacker *u)
{
	for (unsigned i = 0; i < plans; i++) {
		skip_to(r, p[i].from);
		if (!read_guest(r, &p[i], u))
			return false;
	}
	if (plans < r->guests && r->section[r->at].guest != p[plans - 1].from)
		skip_to(r, NO_GUEST);
	if (!reader_take(r, "end", NO_GUEST, 1))
		return false;
	/* From here on nothing can fail. */
	for (unsigned i = 0; i < plans; i++) {
		apply(r, &p[i], u);
		p[i].to->over = set->guest[p[i].from].over;
		p[i].to->code = set->guest[p[i].from].code;
	}
	if (h)
		hypervisor_set_turn(h, &set->turn);
	return true;
}

static bool run_plans(struct reader *r, struct plan *p, unsigned plans, const struct set *set,
		      struct hypervisor *h)
{
	struct unpacker u;
	bool good = unpacker_open(&u, r->err) && carry_out(r, p, plans, set, h, &u);

	for (unsigned i = 0; i < plans; i++) {
		disks_free(&p[i].disks);
		state_free(p[i].state);
	}
	unpacker_close(&u);
	return good;
}

/* " a b": the guests of the file. */
static void list_names(const struct reader *r, const struct set *set, char out[256])
{
	size_t used = 0;

	out[0] = 0;
	for (unsigned i = 0; i < r->guests && used < 250; i++)
		used += (size_t)snprintf(out + used, 256 - used, " %s",
					 *set->guest[i].name ? set->guest[i].name : "(without a name)");
}

static bool plan_set(struct reader *r, const struct checkpoint_set *s, const struct set *set, struct plan *p)
{
	char names[256];
	bool same = r->guests == s->guests;

	for (unsigned i = 0; same && i < s->guests; i++) {
		same = s->guests == 1 || !strncmp(set->guest[i].name, s->guest[i].name, GUEST_NAME - 1);
		p[i] = (struct plan){ .to = &s->guest[i], .from = i };
	}
	if (same)
		return true;
	list_names(r, set, names);
	snprintf(r->err, CHECKPOINT_ERR, "it holds the guests%s; they are not those here%s", names,
		 r->guests == 1 ? "; @GUEST loadvm FILE takes it for one guest" : "");
	return false;
}

bool checkpoint_read(const struct checkpoint_set *s, const uint8_t *data, size_t len,
		     char err[CHECKPOINT_ERR])
{
	struct plan p[HYPERVISOR_GUESTS] = { 0 };
	struct set set = { 0 };
	struct reader r;
	bool good = reader_open(&r, data, len, err) && read_set(&r, &set) && plan_set(&r, s, &set, p) &&
		    run_plans(&r, p, s->guests, &set, s->h);

	reader_close(&r);
	return good;
}

static bool plan_one(struct reader *r, struct checkpoint_guest *g, const struct set *set, struct plan *p)
{
	uint32_t from = 0;
	char names[256];

	while (r->guests > 1 && from < r->guests && strncmp(set->guest[from].name, g->name, GUEST_NAME - 1))
		from++;
	if (from == r->guests) {
		list_names(r, set, names);
		snprintf(r->err, CHECKPOINT_ERR, "it holds the guests%s, and none named %.64s", names, g->name);
		return false;
	}
	if (set->guest[from].over) {
		snprintf(r->err, CHECKPOINT_ERR, "that guest had ended: there is nothing to go on with");
		return false;
	}
	*p = (struct plan){ .to = g, .from = from };
	return true;
}

bool checkpoint_read_one(struct checkpoint_guest *g, const uint8_t *data, size_t len, char err[CHECKPOINT_ERR])
{
	struct set set = { 0 };
	struct plan p = { 0 };
	struct reader r;
	bool good = reader_open(&r, data, len, err) && read_set(&r, &set) && plan_one(&r, g, &set, &p) &&
		    run_plans(&r, &p, 1, &set, NULL);

	reader_close(&r);
	return good;
}
