/*
 * 82077AA: the commands that look for sectors ("Data Transfer Commands" of the datasheet), the
 * SCAN commands of the 8272, and how an image becomes a diskette.
 *
 * A command is a chain of timed phases, one a sector. In DMA mode the sector moves when it comes
 * under the head; in non-DMA mode the host takes or gives it through the FIFO, in its own
 * time (UNLIKE HARDWARE: there is no overrun, because guest and diskette share one clock that
 * nobody wants to race).
 */
#include "devices/fdc82077_impl.h"

#include <string.h>

#define SECTOR_N 2u /* the size code of 512 bytes */

/* Images and formats. */

struct fdc_format fdc_format_of(const struct block *image)
{
	static const struct fdc_format formats[] = {
		{ 40, 1, 8, 2, FDC_360K },    /* 160K */
		{ 40, 1, 9, 2, FDC_360K },    /* 180K */
		{ 40, 2, 8, 2, FDC_360K },    /* 320K */
		{ 40, 2, 9, 2, FDC_360K },    /* 360K */
		{ 80, 2, 9, 2, FDC_720K },    /* 720K */
		{ 80, 2, 15, 0, FDC_1200K },  /* 1.2M */
		{ 80, 2, 18, 0, FDC_1440K },  /* 1.44M */
		{ 80, 2, 21, 0, FDC_1440K },  /* 1.68M, "DMF" */
		{ 82, 2, 21, 0, FDC_1440K },  /* 1.72M */
		{ 80, 2, 36, 3, FDC_2880K },  /* 2.88M */
	};
	enum { F_1440K = 6, F_2880K = 9 };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (image->sectors ==
		    (uint64_t)formats[i].cylinders * formats[i].heads * formats[i].sectors)
			return formats[i];
	return image->sectors <= 2880 ? formats[F_1440K] : formats[F_2880K];
}

static void put_in(struct fdc_drive *d, struct block *image)
{
	d->medium = image;
	memset(&d->format, 0, sizeof(d->format));
	if (image)
		d->format = fdc_format_of(image);
	/* Its 40 cylinders turn at 360 rpm in a 1.2M drive. */
	if (image && d->type == FDC_1200K && d->format.type == FDC_360K)
		d->format.rate = 1;
}

void fdc_attach(struct fdc *f, unsigned drive, enum fdc_type type, struct block *image)
{
	struct fdc_drive *d = &f->drive[drive];

	d->type = type != FDC_NONE ? type : image ? fdc_format_of(image).type : FDC_1440K;
	put_in(d, image);
	f->s.changed[drive] = 1;
}

struct block *fdc_change_disk(struct fdc *f, unsigned drive, struct block *image)
{
	struct block *former = f->drive[drive].medium;

	put_in(&f->drive[drive], image);
	f->s.changed[drive] = 1;
	return former;
}

uint8_t fdc_cmos_types(const struct fdc *f)
{
	return (uint8_t)(f->drive[0].type << 4 | f->drive[1].type);
}

/* The running command. */

static uint8_t opcode(const struct fdc_state *s)
{
	return s->command[0] & FDC_OPCODE;
}

static unsigned select_of(const struct fdc_state *s)
{
	return s->command[1] & 0x03;
}

static bool is_write(const struct fdc_state *s)
{
	return opcode(s) == FDC_WRITE || opcode(s) == FDC_WRITE_DELETED || opcode(s) == FDC_FORMAT;
}

static bool is_scan(const struct fdc_state *s)
{
	return opcode(s) == FDC_SCAN_EQUAL || opcode(s) == FDC_SCAN_LOW ||
	       opcode(s) == FDC_SCAN_HIGH;
}

static bool uses_pio(const struct fdc_state *s)
{
	return s->specify[1] & SPECIFY_ND;
}

/* The head that is on: HDS, which multi-track commands toggle. */
static unsigned head_of(const struct fdc_state *s)
{
	return s->st0 >> 2 & 1;
}

/* The cylinder of the diskette under the head. A drive of 80 steps twice a cylinder of 40. */
static unsigned cylinder_of(const struct fdc_state *s, const struct fdc_drive *d)
{
	unsigned steps = d->type != FDC_360K && d->format.cylinders == 40 ? 2 : 1;

	return s->pcn[select_of(s)] / steps;
}

static void end(struct fdc *f, uint8_t st0, uint8_t st1, uint8_t st2)
{
	struct fdc_state *s = &f->s;

	s->st0 |= st0;
	s->st1 |= st1;
	s->st2 |= st2;
	s->result[0] = s->st0;
	s->result[1] = s->st1;
	s->result[2] = s->st2;
	s->result[3] = s->c;
	s->result[4] = s->h;
	s->result[5] = s->r;
	s->result[6] = s->n;
	fdc_results(f, 7, true);
}

static void end_badly(struct fdc *f, uint8_t st1, uint8_t st2)
{
	end(f, ST0_IC_ABNORMAL, st1, st2);
}

static void next(struct fdc *f)
{
	fdc_wait(f, FDC_SECTOR, FDC_SECTOR_NS);
}

/*
 * Moves the ID on as the datasheet's "Result Phase Table" says. False: that was the last sector
 * (EOT) of the last side.
 */
static bool advance(struct fdc_state *s)
{
	bool multi = s->command[0] & FDC_MT && opcode(s) != FDC_READ_TRACK;
	uint8_t step = is_scan(s) && s->command[8] == 2 ? 2 : 1;

	if (s->r < s->eot && s->r + step <= s->eot) {
		s->r = (uint8_t)(s->r + step);
		return true;
	}
	s->r = 1;
	if (!multi) {
		s->c++;
		return false;
	}
	s->h ^= 1;
	s->st0 ^= 0x04;
	if (s->h & 1)
		return true;
	s->c++;
	return false;
}

/* A sector is done; `tc` ends the command well, EOT without it does not. */
static void sector_done(struct fdc *f, bool tc)
{
	struct fdc_state *s = &f->s;
	bool more = advance(s);

	if (tc)
		end(f, 0, 0, 0);
	else if (more)
		next(f);
	else
		end_badly(f, ST1_EN, 0);
}

/* Finding a sector. */

/* A diskette that this data rate and head can read at all. */
static bool has_address_marks(const struct fdc_state *s, const struct fdc_drive *d)
{
	return d && d->medium && d->format.rate == (s->dsr & 0x03) &&
	       head_of(s) < d->format.heads && cylinder_of(s, d) < d->format.cylinders;
}

static uint64_t position(const struct fdc_state *s, const struct fdc_drive *d, uint8_t r)
{
	return ((uint64_t)cylinder_of(s, d) * d->format.heads + head_of(s)) * d->format.sectors +
	       r - 1u;
}

/* False with the command ended when the sector C, H, R, N is not on this track. */
static bool find(struct fdc *f, struct fdc_drive *d)
{
	struct fdc_state *s = &f->s;

	if (!has_address_marks(s, d)) {
		end_badly(f, ST1_MA, 0);
		return false;
	}
	if (s->c != cylinder_of(s, d)) {
		end_badly(f, ST1_ND, s->c == 0xff ? ST2_BC | ST2_WC : ST2_WC);
		return false;
	}
	if (s->h != head_of(s) || s->n != SECTOR_N || s->r < 1 || s->r > d->format.sectors) {
		end_badly(f, ST1_ND, 0);
		return false;
	}
	return true;
}

/* UNLIKE HARDWARE: what a short image lacks reads as zeros, as on a diskette freshly formatted. */
static bool load(struct fdc *f, struct fdc_drive *d, uint8_t r, uint8_t *buf)
{
	uint64_t at = position(&f->s, d, r);

	if (at >= d->medium->sectors) {
		memset(buf, 0, BLOCK_SECTOR);
		return true;
	}
	return block_read(d->medium, at, buf, 1);
}

/* One sector of each command, when it is under the head. */

/* `len` bytes by DMA; false with the command ended when the channel did not serve. */
static bool by_dma(struct fdc *f, uint32_t len, bool to_memory, bool *tc)
{
	uint32_t moved = 0;

	*tc = false;
	if (f->dma.transfer)
		moved = f->dma.transfer(f->dma.opaque, f->dma.channel, f->s.buffer, len,
					to_memory, tc);
	if (moved < len && !*tc) {
		end_badly(f, ST1_OR, 0);
		return false;
	}
	if (!to_memory && moved < len)
		memset(f->s.buffer + moved, 0, len - moved);
	return true;
}

static void ask_host(struct fdc *f, enum fdc_phase phase, uint32_t len)
{
	f->s.phase = phase;
	f->s.pos = 0;
	f->s.len = len;
	fdc_raise(f);
}

/* Image sectors carry no deleted mark: READ DELETED DATA meets the wrong mark every time. */
static void read_sector(struct fdc *f, struct fdc_drive *d)
{
	struct fdc_state *s = &f->s;
	bool wrong_mark = opcode(s) == FDC_READ_DELETED;
	bool tc;

	if (wrong_mark) {
		s->st2 |= ST2_CM;
		if (s->command[0] & FDC_SK) { /* skipped */
			sector_done(f, false);
			return;
		}
	}
	if (!load(f, d, s->r, s->buffer)) {
		end_badly(f, ST1_DE, 0);
		return;
	}
	if (uses_pio(s)) {
		ask_host(f, FDC_PIO_IN, BLOCK_SECTOR);
		return;
	}
	if (by_dma(f, BLOCK_SECTOR, true, &tc))
		sector_done(f, tc || wrong_mark);
}

/* Ends the command when the sector cannot be written. */
static bool store(struct fdc *f, struct fdc_drive *d, uint8_t r)
{
	if (block_write(d->medium, position(&f->s, d, r), f->s.buffer, 1))
		return true;
	end_badly(f, ST1_DE, 0);
	return false;
}

static void write_sector(struct fdc *f, struct fdc_drive *d)
{
	bool tc;

	if (uses_pio(&f->s))
		ask_host(f, FDC_PIO_OUT, BLOCK_SECTOR);
	else if (by_dma(f, BLOCK_SECTOR, false, &tc) && store(f, d, f->s.r))
		sector_done(f, tc);
}

/* From the index hole on, whatever R asked for, EOT sectors. */
static void track_sector(struct fdc *f, struct fdc_drive *d)
{
	struct fdc_state *s = &f->s;
	uint8_t r = (uint8_t)(s->eot - s->left + 1);
	bool tc;

	if (!has_address_marks(s, d)) {
		end_badly(f, ST1_MA, 0);
		return;
	}
	if (s->c == cylinder_of(s, d) && s->h == head_of(s) && s->n == SECTOR_N && s->r == r)
		s->matched = 1;
	if (s->left == 0 || r > d->format.sectors) {
		end_badly(f, s->matched ? ST1_EN : ST1_ND, 0);
		return;
	}
	if (!load(f, d, r, s->buffer)) {
		end_badly(f, ST1_DE, 0);
		return;
	}
	s->left--;
	if (uses_pio(s))
		ask_host(f, FDC_PIO_IN, BLOCK_SECTOR);
	else if (by_dma(f, BLOCK_SECTOR, true, &tc) && tc)
		end(f, 0, s->matched ? 0 : ST1_ND, 0);
	else if (s->phase != FDC_RESULT)
		next(f);
}

/* With EC set the last byte counts sectors, else EOT ends the command, and well. */
static void verify_sector(struct fdc *f, struct fdc_drive *d)
{
	struct fdc_state *s = &f->s;
	bool counted = s->command[1] & 0x80;

	if (!load(f, d, s->r, s->buffer)) {
		end_badly(f, ST1_DE, 0);
		return;
	}
	if (counted)
		s->left--;
	if (advance(s) && !(counted && s->left == 0))
		next(f);
	else if (counted && s->left)
		end_badly(f, ST1_EN, 0);
	else
		end(f, 0, 0, 0);
}

static void read_id(struct fdc *f, struct fdc_drive *d)
{
	struct fdc_state *s = &f->s;

	if (!has_address_marks(s, d)) {
		end_badly(f, ST1_MA, 0);
		return;
	}
	s->c = (uint8_t)cylinder_of(s, d);
	s->h = (uint8_t)head_of(s);
	s->r = (uint8_t)(f->clock->now / FDC_SECTOR_NS % d->format.sectors + 1);
	s->n = SECTOR_N;
	end(f, 0, 0, 0);
}

/* buffer[0..4) is the C, H, R, N that the host wants for the next sector. */
static void format_sector(struct fdc *f, struct fdc_drive *d, bool tc)
{
	struct fdc_state *s = &f->s;
	uint8_t filler = s->command[5];

	s->c = s->buffer[0];
	s->h = s->buffer[1];
	s->r = s->buffer[2];
	s->n = s->buffer[3];
	if (!find(f, d)) /* an image has no room for other sectors */
		return;
	memset(s->buffer, filler, BLOCK_SECTOR);
	if (!store(f, d, s->r))
		return;
	s->left--;
	if (s->left == 0 || tc)
		end(f, 0, 0, 0);
	else
		next(f);
}

static void format_step(struct fdc *f, struct fdc_drive *d)
{
	bool tc;

	if (!has_address_marks(&f->s, d))
		end_badly(f, ST1_MA, 0);
	else if (f->s.left == 0)
		end(f, 0, 0, 0);
	else if (uses_pio(&f->s))
		ask_host(f, FDC_PIO_OUT, 4);
	else if (by_dma(f, 4, false, &tc))
		format_sector(f, d, tc);
}

/*
 * Compares as one big number, first byte highest; FF on either side matches anything.
 * -1, 0, 1: the disk's is lower, equal, higher.
 */
static int compare(const uint8_t *disk, const uint8_t *host)
{
	for (unsigned i = 0; i < BLOCK_SECTOR; i++)
		if (disk[i] != 0xff && host[i] != 0xff && disk[i] != host[i])
			return disk[i] < host[i] ? -1 : 1;
	return 0;
}

/* buffer holds the host's sector. */
static void scan_sector(struct fdc *f, struct fdc_drive *d, bool tc)
{
	struct fdc_state *s = &f->s;
	uint8_t disk[BLOCK_SECTOR];
	int c;

	if (!load(f, d, s->r, disk)) {
		end_badly(f, ST1_DE, 0);
		return;
	}
	c = compare(disk, s->buffer);
	if (c == 0)
		end(f, 0, 0, ST2_SH);
	else if ((c < 0 && opcode(s) == FDC_SCAN_LOW) || (c > 0 && opcode(s) == FDC_SCAN_HIGH))
		end(f, 0, 0, 0);
	else if (tc || !advance(s))
		end(f, 0, 0, ST2_SN);
	else
		next(f);
}

static void scan_step(struct fdc *f, struct fdc_drive *d)
{
	bool tc;

	if (uses_pio(&f->s))
		ask_host(f, FDC_PIO_OUT, BLOCK_SECTOR);
	else if (by_dma(f, BLOCK_SECTOR, false, &tc))
		scan_sector(f, d, tc);
}

/* Steps of the chain. */

void fdc_data_start(struct fdc *f)
{
	struct fdc_state *s = &f->s;
	struct fdc_drive *d = fdc_drive_at(f, select_of(s));
	bool short_form = opcode(s) == FDC_READ_ID || opcode(s) == FDC_FORMAT;

	s->st0 = s->command[1] & 0x07;
	s->st1 = s->st2 = 0;
	s->matched = 0;
	s->pos = s->len = 0;
	if (!short_form) {
		s->c = s->command[2];
		s->h = s->command[3];
		s->r = s->command[4];
		s->n = s->command[5];
		s->eot = s->command[6];
		s->left = opcode(s) == FDC_VERIFY ? s->command[8] : s->eot;
		if (s->configure & CONFIGURE_EIS && d) { /* implied seek */
			unsigned steps = d->type != FDC_360K && d->format.cylinders == 40 ? 2 : 1;

			s->pcn[select_of(s)] = (uint8_t)(s->c * steps);
			s->st0 |= ST0_SE;
			if (d->medium)
				s->changed[select_of(s)] = 0;
		}
	} else if (opcode(s) == FDC_FORMAT) {
		s->left = s->eot = s->command[3];
	}
	if (is_write(s) && d && d->medium && d->medium->read_only)
		end_badly(f, ST1_NW, 0);
	else
		fdc_wait(f, FDC_SECTOR, has_address_marks(s, d) ? FDC_SECTOR_NS : FDC_LOST_NS);
}

void fdc_data_sector(struct fdc *f)
{
	struct fdc_drive *d = fdc_drive_at(f, select_of(&f->s));

	switch (opcode(&f->s)) {
	case FDC_READ_ID:
		read_id(f, d);
		return;
	case FDC_FORMAT:
		format_step(f, d);
		return;
	case FDC_READ_TRACK:
		track_sector(f, d);
		return;
	}
	if (!find(f, d))
		return;
	if (is_write(&f->s))
		write_sector(f, d);
	else if (is_scan(&f->s))
		scan_step(f, d);
	else if (opcode(&f->s) == FDC_VERIFY)
		verify_sector(f, d);
	else
		read_sector(f, d);
}

/* The host has taken or given all of the buffer in non-DMA mode. */
void fdc_data_pio_done(struct fdc *f)
{
	if (f->s.phase == FDC_PIO_OUT)
		fdc_wait(f, FDC_STORE, FDC_SECTOR_NS);
	else if (opcode(&f->s) == FDC_READ_TRACK)
		next(f);
	else
		sector_done(f, opcode(&f->s) == FDC_READ_DELETED);
}

/* The diskette may have been taken out meanwhile, so the sector is looked for again. */
void fdc_data_store(struct fdc *f)
{
	struct fdc_drive *d = fdc_drive_at(f, select_of(&f->s));

	if (opcode(&f->s) == FDC_FORMAT) {
		format_sector(f, d, false);
		return;
	}
	if (!find(f, d))
		return;
	if (is_scan(&f->s))
		scan_sector(f, d, false);
	else if (store(f, d, f->s.r))
		sector_done(f, false);
}
