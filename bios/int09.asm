; INT 09, IRQ 1: scan codes (set 1, translated by the 8042) become shift states and the key
; words of the buffer. IBM PC/AT Technical Reference, section 4; Ralf Brown's INT 09, INT 16
; AH=10 for the words of the 101-key keyboard, INT 15 AH=4F and 85.
;
; A key word is scan code in 15:8, character in 7:0. Words that the 84-key keyboard did not
; have carry E0 or F0 as character; INT 16 AH=00 translates or hides them (int16.asm).

int09:
	INT_ENTER
	in	al, KBC_CMD		; full, and not with a mouse byte?
	and	al, 0x21
	cmp	al, 0x01
	jne	.eoi
	mov	al, 0xad		; quiet while we work
	out	KBC_CMD, al
	in	al, KBC_DATA
	mov	ah, 0x4f		; a program may change or swallow it
	stc
	int	0x15
	cli
	jnc	.swallowed
	call	kbd_code
.swallowed:
	mov	al, 0xae
	call	kbc_command
	call	kbd_leds
.eoi:
	cli
	mov	al, PIC_EOI
	out	PIC1_CMD, al
	INT_LEAVE

; One scan code in AL. May change every register but BP and DS, as all kbd_ routines may.
kbd_code:
	cmp	al, 0xe0
	je	.e0
	cmp	al, 0xe1
	je	.e1
	cmp	al, 0xee		; answers of the keyboard, no keys
	je	.ignore
	cmp	al, 0xfa
	je	.ignore
	cmp	al, 0xfe
	je	.ignore
	mov	ah, [BDA_KBD_FLAGS3]	; AH = prefixes seen
	test	ah, KBD3_E1
	jnz	.pause
	and	byte [BDA_KBD_FLAGS3], ~KBD3_E0 & 0xff
	jmp	kbd_key
.e0:
	or	byte [BDA_KBD_FLAGS3], KBD3_E0
	ret
.e1:
	or	byte [BDA_KBD_FLAGS3], KBD3_E1
.ignore:
	ret
.pause:					; Pause sends E1 1D 45 E1 9D C5
	cmp	al, 0x1d
	je	.ignore
	cmp	al, 0x9d
	je	.ignore
	and	byte [BDA_KBD_FLAGS3], ~KBD3_E1 & 0xff
	cmp	al, 0x45
	jne	.ignore

; Holds the program until another key is pressed.
kbd_pause:
	test	byte [BDA_SHIFT2], KBD2_PAUSED
	jnz	.done
	or	byte [BDA_SHIFT2], KBD2_PAUSED
	mov	al, 0xae		; that key must come through
	call	kbc_command
	mov	al, PIC_EOI
	out	PIC1_CMD, al
.wait:
	sti
	hlt
	cli
	test	byte [BDA_SHIFT2], KBD2_PAUSED
	jnz	.wait
.done:
	ret

; A key: code AL (bit 7 released), prefixes AH. A handler in kbd_special gets BL = key,
; AL and AH as here, CF set when the key was released.
kbd_key:
	mov	bl, al
	and	bl, 0x7f
	mov	si, kbd_special
.find:
	cmp	byte [cs:si], 0
	je	kbd_plain
	cmp	bl, [cs:si]
	je	.found
	add	si, 3
	jmp	.find
.found:
	bt	ax, 7
	jmp	[cs:si + 1]

kbd_special:
	db	0x2a
	dw	kbd_shift_left
	db	0x36
	dw	kbd_shift_right
	db	0x1d
	dw	kbd_ctrl
	db	0x38
	dw	kbd_alt
	db	0x3a
	dw	kbd_caps_lock
	db	0x45
	dw	kbd_num_lock
	db	0x46
	dw	kbd_scroll_lock
	db	0x52
	dw	kbd_insert
	db	0x53
	dw	kbd_delete
	db	0x54
	dw	kbd_sysreq
	db	0x37
	dw	kbd_print
	db	0

; The bits of a BDA byte follow a key: set while it is down (CF clear).
%macro KBD_HOLD 2			; offset, bits
	jc	%%up
	or	byte [%1], %2
	jmp	%%done
%%up:
	and	byte [%1], ~(%2) & 0xff
%%done:
%endmacro

kbd_shift_left:
	test	ah, KBD3_E0		; the made-up shifts around grey keys
	jnz	kbd_nothing
	bt	ax, 7
	KBD_HOLD BDA_SHIFT, KBD_SHIFT_LEFT
kbd_nothing:
	ret
kbd_shift_right:
	test	ah, KBD3_E0
	jnz	kbd_nothing
	bt	ax, 7
	KBD_HOLD BDA_SHIFT, KBD_SHIFT_RIGHT
	ret

kbd_ctrl:
	test	ah, KBD3_E0
	jnz	.right
	bt	ax, 7
	KBD_HOLD BDA_SHIFT2, KBD2_CTRL_LEFT
	jmp	.either
.right:
	bt	ax, 7
	KBD_HOLD BDA_KBD_FLAGS3, KBD3_CTRL_RIGHT
.either:
	and	byte [BDA_SHIFT], ~KBD_CTRL & 0xff
	test	byte [BDA_SHIFT2], KBD2_CTRL_LEFT
	jnz	.held
	test	byte [BDA_KBD_FLAGS3], KBD3_CTRL_RIGHT
	jz	.done
.held:
	or	byte [BDA_SHIFT], KBD_CTRL
.done:
	ret

kbd_alt:
	test	ah, KBD3_E0
	jnz	.right
	bt	ax, 7
	KBD_HOLD BDA_SHIFT2, KBD2_ALT_LEFT
	jmp	.either
.right:
	bt	ax, 7
	KBD_HOLD BDA_KBD_FLAGS3, KBD3_ALT_RIGHT
.either:
	and	byte [BDA_SHIFT], ~KBD_ALT & 0xff
	test	byte [BDA_SHIFT2], KBD2_ALT_LEFT
	jnz	.held
	test	byte [BDA_KBD_FLAGS3], KBD3_ALT_RIGHT
	jnz	.held
	xor	ax, ax			; both up: the number typed on the keypad is a character
	xchg	al, [BDA_ALT_PAD]
	test	al, al
	jnz	kbd_put
	ret
.held:
	or	byte [BDA_SHIFT], KBD_ALT
	ret

; The locks toggle when the key goes down, not while it repeats.
%macro KBD_LOCK 2			; bit of BDA_SHIFT2 (held), bit of BDA_SHIFT (state)
	jc	%%up
	test	byte [BDA_SHIFT2], %1
	jnz	%%done
	or	byte [BDA_SHIFT2], %1
	xor	byte [BDA_SHIFT], %2
	jmp	%%done
%%up:
	and	byte [BDA_SHIFT2], ~(%1) & 0xff
%%done:
%endmacro

kbd_caps_lock:
	KBD_LOCK KBD2_CAPS, KBD_CAPS_LOCK
	ret
kbd_num_lock:
	jc	.lock
	test	byte [BDA_SHIFT], KBD_CTRL	; Ctrl-NumLock: the pause of the 84-key keyboard
	jnz	kbd_pause
.lock:
	bt	ax, 7
	KBD_LOCK KBD2_NUM, KBD_NUM_LOCK
	ret
kbd_scroll_lock:
	jc	.lock
	test	byte [BDA_SHIFT], KBD_CTRL	; Ctrl-Break is E0 46, or Ctrl with 46
	jnz	kbd_break
.lock:
	test	ah, KBD3_E0
	jnz	kbd_nothing
	bt	ax, 7
	KBD_LOCK KBD2_SCROLL, KBD_SCROLL_LOCK
	ret
kbd_insert:
	KBD_LOCK KBD2_INSERT, KBD_INSERT
	jmp	kbd_plain

kbd_break:
	mov	byte [BDA_BREAK], 0x80
	mov	ax, [BDA_KBD_START]
	mov	[BDA_KBD_HEAD], ax
	mov	[BDA_KBD_TAIL], ax
	mov	al, 0xae
	call	kbc_command
	int	0x1b
	xor	ax, ax
	jmp	kbd_put

kbd_delete:
	jc	kbd_nothing
	mov	cl, [BDA_SHIFT]
	and	cl, KBD_CTRL | KBD_ALT
	cmp	cl, KBD_CTRL | KBD_ALT
	jne	kbd_plain
reboot:					; Ctrl-Alt-Del, and INT 19 with nothing to boot
	push	BDA_SEG
	pop	ds
	mov	word [BDA_RESET_FLAG], 0x1234
	mov	al, 0xfe		; the 8042 pulls the reset line
	out	KBC_CMD, al
	mov	al, 3			; or port 92 does
	out	SYS_PORT_A, al
	cli
.wait:
	hlt
	jmp	.wait

kbd_sysreq:				; Alt with Print Screen
	jc	.up
	test	byte [BDA_SHIFT2], KBD2_SYSREQ
	jnz	kbd_nothing
	or	byte [BDA_SHIFT2], KBD2_SYSREQ
	mov	ax, 0x8500
	int	0x15
	ret
.up:
	and	byte [BDA_SHIFT2], ~KBD2_SYSREQ & 0xff
	mov	ax, 0x8501
	int	0x15
	ret

kbd_print:				; E0 37; without the prefix it is the keypad's *
	test	ah, KBD3_E0
	jz	kbd_plain
	test	al, 0x80
	jnz	kbd_nothing
	mov	ax, 0x7200
	test	byte [BDA_SHIFT], KBD_CTRL
	jnz	kbd_put
	mov	al, 0xae
	call	kbc_command
	int	0x05
	ret

; Every other key.
kbd_plain:
	test	al, 0x80
	jnz	kbd_nothing
	test	byte [BDA_SHIFT2], KBD2_PAUSED
	jz	.running
	and	byte [BDA_SHIFT2], ~KBD2_PAUSED & 0xff
	ret
.running:
	mov	cl, [BDA_SHIFT]
	test	ah, KBD3_E0
	jnz	.grey
	cmp	bl, KBD_LAST
	ja	kbd_nothing
	cmp	bl, 0x47
	jb	.main
	cmp	bl, 0x53
	ja	.main
	call	kbd_alt_number
	jc	kbd_nothing
	test	cl, KBD_NUM_LOCK	; keypad: NumLock turns the shift keys round
	jz	.main
	xor	cl, KBD_SHIFT_LEFT
	test	cl, KBD_SHIFT_RIGHT
	jz	.main
	xor	cl, KBD_SHIFT_LEFT | KBD_SHIFT_RIGHT
.main:
	test	cl, KBD_CAPS_LOCK
	jz	.column
	call	kbd_is_letter
	jne	.column
	test	cl, KBD_SHIFT_LEFT | KBD_SHIFT_RIGHT
	jz	.caps
	and	cl, ~(KBD_SHIFT_LEFT | KBD_SHIFT_RIGHT) & 0xff
	jmp	.column
.caps:
	or	cl, KBD_SHIFT_LEFT
.column:
	movzx	si, bl
	shl	si, 3
	add	si, kbd_table
.pick:					; CL = shift state, SI = row of four words
	test	cl, KBD_ALT
	jnz	.alt
	test	cl, KBD_CTRL
	jnz	.ctrl
	test	cl, KBD_SHIFT_LEFT | KBD_SHIFT_RIGHT
	jz	.word
	add	si, 2
	jmp	.word
.alt:
	add	si, 6
	jmp	.word
.ctrl:
	add	si, 4
.word:
	mov	ax, [cs:si]
	test	ax, ax
	jnz	kbd_put
	ret
.grey:
	mov	si, kbd_grey_table - 9
.grey_next:
	add	si, 9
	mov	al, [cs:si]
	test	al, al
	jz	kbd_nothing
	cmp	al, bl
	jne	.grey_next
	inc	si
	jmp	.pick

; Puts the key word AX in the buffer; it is lost when that is full. CF set then.
kbd_put:
	mov	bx, [BDA_KBD_TAIL]
	mov	si, bx
	add	bx, 2
	cmp	bx, [BDA_KBD_END]
	jb	.inside
	mov	bx, [BDA_KBD_START]
.inside:
	cmp	bx, [BDA_KBD_HEAD]
	je	.full
	mov	[si], ax
	mov	[BDA_KBD_TAIL], bx
	clc
	ret
.full:
	stc
	ret

; Alt with keypad digits (key BL, 47-53) types a character by number. CF set when it did.
kbd_alt_number:
	test	cl, KBD_ALT
	jz	.no
	movzx	si, bl
	mov	dl, [cs:.digits + si - 0x47]
	cmp	dl, 10
	jae	.no
	mov	al, 10
	mul	byte [BDA_ALT_PAD]
	add	al, dl
	mov	[BDA_ALT_PAD], al
	stc
	ret
.no:
	clc
	ret
.digits:
	db	7, 8, 9, 10, 4, 5, 6, 10, 1, 2, 3, 0, 10

; ZF set when key BL is a letter.
kbd_is_letter:
	movzx	si, bl
	cmp	bl, 0x32
	ja	.no
	bt	[cs:.letters], si	; keys 10-19, 1E-26, 2C-32
	jnc	.no
	cmp	al, al
	ret
.no:
	or	si, 1
	ret
.letters:
	dw	0x0000, 0xc3ff, 0xf07f, 0x0007

; Tells the keyboard the locks when they changed. Its answers are taken here, by polling.
kbd_leds:
	mov	al, [BDA_SHIFT]
	shr	al, 4
	and	al, 7
	mov	ah, [BDA_KBD_FLAGS4]
	and	ah, 7
	cmp	al, ah
	je	.same
	and	byte [BDA_KBD_FLAGS4], ~7 & 0xff
	or	[BDA_KBD_FLAGS4], al
	push	ax
	mov	al, 0xed
	call	kbc_write
	call	kbc_read
	pop	ax
	call	kbc_write
	call	kbc_read
.same:
	ret

; Key words: plain, Shift, Ctrl, Alt. 0: nothing.
%macro KEY 4
	dw	%1, %2, %3, %4
%endmacro
%macro LETTER 2				; scan code, capital letter
	dw	%1 << 8 | (%2 + 0x20), %1 << 8 | %2, %1 << 8 | (%2 - 0x40), %1 << 8
%endmacro

kbd_table:
	KEY	0, 0, 0, 0
	KEY	0x011b, 0x011b, 0x011b, 0x01f0	; Esc
	KEY	0x0231, 0x0221, 0, 0x7800	; 1 !
	KEY	0x0332, 0x0340, 0x0300, 0x7900	; 2 @
	KEY	0x0433, 0x0423, 0, 0x7a00	; 3 #
	KEY	0x0534, 0x0524, 0, 0x7b00	; 4 $
	KEY	0x0635, 0x0625, 0, 0x7c00	; 5 %
	KEY	0x0736, 0x075e, 0x071e, 0x7d00	; 6 ^
	KEY	0x0837, 0x0826, 0, 0x7e00	; 7 &
	KEY	0x0938, 0x092a, 0, 0x7f00	; 8 *
	KEY	0x0a39, 0x0a28, 0, 0x8000	; 9 (
	KEY	0x0b30, 0x0b29, 0, 0x8100	; 0 )
	KEY	0x0c2d, 0x0c5f, 0x0c1f, 0x8200	; - _
	KEY	0x0d3d, 0x0d2b, 0, 0x8300	; = +
	KEY	0x0e08, 0x0e08, 0x0e7f, 0x0ef0	; Backspace
	KEY	0x0f09, 0x0f00, 0x9400, 0xa500	; Tab
	LETTER	0x10, 'Q'
	LETTER	0x11, 'W'
	LETTER	0x12, 'E'
	LETTER	0x13, 'R'
	LETTER	0x14, 'T'
	LETTER	0x15, 'Y'
	LETTER	0x16, 'U'
	LETTER	0x17, 'I'
	LETTER	0x18, 'O'
	LETTER	0x19, 'P'
	KEY	0x1a5b, 0x1a7b, 0x1a1b, 0x1af0	; [ {
	KEY	0x1b5d, 0x1b7d, 0x1b1d, 0x1bf0	; ] }
	KEY	0x1c0d, 0x1c0d, 0x1c0a, 0x1cf0	; Enter
	KEY	0, 0, 0, 0			; 1D Ctrl
	LETTER	0x1e, 'A'
	LETTER	0x1f, 'S'
	LETTER	0x20, 'D'
	LETTER	0x21, 'F'
	LETTER	0x22, 'G'
	LETTER	0x23, 'H'
	LETTER	0x24, 'J'
	LETTER	0x25, 'K'
	LETTER	0x26, 'L'
	KEY	0x273b, 0x273a, 0, 0x27f0	; ; :
	KEY	0x2827, 0x2822, 0, 0x28f0	; ' "
	KEY	0x2960, 0x297e, 0, 0x29f0	; ` ~
	KEY	0, 0, 0, 0			; 2A Shift
	KEY	0x2b5c, 0x2b7c, 0x2b1c, 0x2bf0	; \ |
	LETTER	0x2c, 'Z'
	LETTER	0x2d, 'X'
	LETTER	0x2e, 'C'
	LETTER	0x2f, 'V'
	LETTER	0x30, 'B'
	LETTER	0x31, 'N'
	LETTER	0x32, 'M'
	KEY	0x332c, 0x333c, 0, 0x33f0	; , <
	KEY	0x342e, 0x343e, 0, 0x34f0	; . >
	KEY	0x352f, 0x353f, 0, 0x35f0	; / ?
	KEY	0, 0, 0, 0			; 36 Shift
	KEY	0x372a, 0x372a, 0x9600, 0x37f0	; keypad *
	KEY	0, 0, 0, 0			; 38 Alt
	KEY	0x3920, 0x3920, 0x3920, 0x3920	; Space
	KEY	0, 0, 0, 0			; 3A Caps Lock
	KEY	0x3b00, 0x5400, 0x5e00, 0x6800	; F1
	KEY	0x3c00, 0x5500, 0x5f00, 0x6900
	KEY	0x3d00, 0x5600, 0x6000, 0x6a00
	KEY	0x3e00, 0x5700, 0x6100, 0x6b00
	KEY	0x3f00, 0x5800, 0x6200, 0x6c00
	KEY	0x4000, 0x5900, 0x6300, 0x6d00
	KEY	0x4100, 0x5a00, 0x6400, 0x6e00
	KEY	0x4200, 0x5b00, 0x6500, 0x6f00
	KEY	0x4300, 0x5c00, 0x6600, 0x7000
	KEY	0x4400, 0x5d00, 0x6700, 0x7100	; F10
	KEY	0, 0, 0, 0			; 45 Num Lock
	KEY	0, 0, 0, 0			; 46 Scroll Lock
	KEY	0x4700, 0x4737, 0x7700, 0	; keypad Home 7
	KEY	0x4800, 0x4838, 0x8d00, 0	; up 8
	KEY	0x4900, 0x4939, 0x8400, 0	; PgUp 9
	KEY	0x4a2d, 0x4a2d, 0x8e00, 0x4af0	; -
	KEY	0x4b00, 0x4b34, 0x7300, 0	; left 4
	KEY	0x4cf0, 0x4c35, 0x8f00, 0	; 5
	KEY	0x4d00, 0x4d36, 0x7400, 0	; right 6
	KEY	0x4e2b, 0x4e2b, 0x9000, 0x4ef0	; +
	KEY	0x4f00, 0x4f31, 0x7500, 0	; End 1
	KEY	0x5000, 0x5032, 0x9100, 0	; down 2
	KEY	0x5100, 0x5133, 0x7600, 0	; PgDn 3
	KEY	0x5200, 0x5230, 0x9200, 0	; Ins 0
	KEY	0x5300, 0x532e, 0x9300, 0	; Del .
	KEY	0, 0, 0, 0			; 54 SysReq
	KEY	0, 0, 0, 0			; 55
	KEY	0x565c, 0x567c, 0, 0		; the 102nd key
	KEY	0x8500, 0x8700, 0x8900, 0x8b00	; F11
	KEY	0x8600, 0x8800, 0x8a00, 0x8c00	; F12
KBD_LAST		equ	0x58

%macro GREY 5
	db	%1
	dw	%2, %3, %4, %5
%endmacro
kbd_grey_table:				; keys with the prefix E0
	GREY	0x1c, 0xe00d, 0xe00d, 0xe00a, 0xa600	; keypad Enter
	GREY	0x35, 0xe02f, 0xe02f, 0x9500, 0xa400	; keypad /
	GREY	0x47, 0x47e0, 0x47e0, 0x77e0, 0x9700	; Home
	GREY	0x48, 0x48e0, 0x48e0, 0x8de0, 0x9800	; up
	GREY	0x49, 0x49e0, 0x49e0, 0x84e0, 0x9900	; PgUp
	GREY	0x4b, 0x4be0, 0x4be0, 0x73e0, 0x9b00	; left
	GREY	0x4d, 0x4de0, 0x4de0, 0x74e0, 0x9d00	; right
	GREY	0x4f, 0x4fe0, 0x4fe0, 0x75e0, 0x9f00	; End
	GREY	0x50, 0x50e0, 0x50e0, 0x91e0, 0xa000	; down
	GREY	0x51, 0x51e0, 0x51e0, 0x76e0, 0xa100	; PgDn
	GREY	0x52, 0x52e0, 0x52e0, 0x92e0, 0xa200	; Ins
	GREY	0x53, 0x53e0, 0x53e0, 0x93e0, 0xa300	; Del
	db	0
