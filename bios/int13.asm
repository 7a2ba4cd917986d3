; INT 13: which drive a call is for. Floppies are int13_floppy.asm, hard disks by CHS
; int13_disk.asm, packet functions (EDD) of disks and CDs int13_edd.asm, drives emulated
; from a CD eltorito.asm.
; IBM PC/AT Technical Reference, section 5; EDD 3.0 (T13 D1386); El Torito 1.0.
;
; Every handler is called with BP = frame, DS = BDA, FS = EBDA, DI = struc drive in FS
; (floppies: DL = unit), and returns its status in AH; AH = DISK_KEEP says that it has
; set the caller's AH and carry flag itself.

DISK_OK			equ	0x00
DISK_BAD_COMMAND	equ	0x01
DISK_NO_MARK		equ	0x02
DISK_PROTECTED		equ	0x03
DISK_NOT_FOUND		equ	0x04
DISK_CHANGED		equ	0x06
DISK_OVERRUN		equ	0x08
DISK_DMA_BOUNDARY	equ	0x09
DISK_UNKNOWN_MEDIA	equ	0x0c
DISK_BAD_CRC		equ	0x10
DISK_CONTROLLER		equ	0x20
DISK_SEEK		equ	0x40
DISK_TIMEOUT		equ	0x80
DISK_NOT_READY		equ	0xaa
DISK_NO_EJECT		equ	0xb2
DISK_KEEP		equ	0xff

CD_FIRST		equ	0xe0	; our drive numbers of CDs

int13:
	INT_ENTER
	push	fs
	mov	fs, [BDA_EBDA]
	sti
	mov	dl, [bp + F_DL]
	cmp	byte [fs:EBDA_EMU + emu.active], 0
	je	.real
	cmp	word [bp + F_AX], 0x4b00	; drive 7F: end the emulation, whatever its number
	jne	.number
	cmp	dl, 0x7f
	je	emu_int13
.number:
	cmp	dl, [fs:EBDA_EMU + emu.drive]
	je	emu_int13
	; an emulated drive pushes the real ones of its kind one number up
	mov	al, dl
	xor	al, [fs:EBDA_EMU + emu.drive]
	js	.real			; one is a floppy, the other not
	cmp	dl, CD_FIRST
	jae	.real
	cmp	dl, [fs:EBDA_EMU + emu.drive]
	jb	.real
	dec	dl
.real:
	test	dl, 0x80
	jz	floppy_int13
	cmp	dl, CD_FIRST
	jae	.cd
	sub	dl, 0x80
	cmp	dl, [fs:EBDA_DISKS]
	jae	.absent
	mov	si, EBDA_DISK_MAP
	call	drive_pointer
	movzx	bx, byte [bp + F_AH]
	cmp	bl, 0x41
	jae	.packet
	cmp	bl, (disk_table.end - disk_table) / 2
	jae	.bad
	shl	bx, 1
	call	[cs:disk_table + bx]
	jmp	int13_return
.packet:
	sub	bl, 0x41
	cmp	bl, (edd_table.end - edd_table) / 2
	jae	.bad
	shl	bx, 1
	call	[cs:edd_table + bx]
	jmp	int13_return
.cd:
	sub	dl, CD_FIRST
	cmp	dl, [fs:EBDA_CDS]
	jae	.absent
	mov	si, EBDA_CD_MAP
	call	drive_pointer
	movzx	bx, byte [bp + F_AH]
	cmp	bl, 0x41
	jae	.packet
	call	cd_plain
	jmp	int13_return
.absent:
	cmp	byte [bp + F_AH], 0x15
	jne	.bad
	mov	byte [bp + F_AH], 0	; AH=15: no such drive is an answer, not an error
	CLEAR_C
	mov	ah, DISK_KEEP
	jmp	int13_return
.bad:
	mov	ah, DISK_BAD_COMMAND

; The end of every call for a disk or CD: status AH into the BDA and to the caller.
int13_return:
	cmp	ah, DISK_KEEP
	je	.leave
	mov	[BDA_HD_STATUS], ah
	call	int13_answer
.leave:
	pop	fs
	INT_LEAVE

; Caller's AH and carry from status AH.
int13_answer:
	mov	[bp + F_AH], ah
	CLEAR_C
	test	ah, ah
	jz	.ok
	SET_C
.ok:
	ret

; DI = the struc drive that the byte map at FS:SI gives for number DL.
drive_pointer:
	movzx	bx, dl
	movzx	di, byte [fs:si + bx]
	shl	di, 5			; drive_size
	add	di, EBDA_DRIVES
	ret

%if drive_size != 32
%error "drive_pointer wants a struc drive of 32 bytes"
%endif

; AH=00-40 for a CD without emulation: status, resets that do nothing, no CHS.
cd_plain:
	cmp	bl, 0x01
	je	disk_status
	mov	si, .harmless
.next:
	cs lodsb
	cmp	al, bl
	je	disk_nothing
	cmp	al, 0xff
	jne	.next
	mov	ah, DISK_BAD_COMMAND
	ret
.harmless:
	db	0x00, 0x09, 0x0c, 0x0d, 0x10, 0x11, 0x14, 0xff
