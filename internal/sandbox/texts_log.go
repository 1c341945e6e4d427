package sandbox

import (
	"fmt"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// callTexts are the words of the request log.
type callTexts struct {
	Nav, Title, Intro          string
	Dialect, Status, Signature string
	Filter, BadFilter          string
	Right, Wrong, Waiting      string
	None, NoneFound            string

	SameString               string
	ServerString, YourString string
	SentBody, SignedBody     string
	Digest                   string
	Expected, Received       string
	Changed, ChangedNothing  string
	Request, Answer, Body    string
}

// storyTexts are the words of the pages of payments.
type storyTexts struct {
	Nav, Title, None        string
	State, Reason, Channel  string
	Refunded                string
	Story, Calls            string
	Ledger, NoLedger        string
	Account                 string
	Notifications           string
	NoNotifications         string
	NextTry, Resend, Resent string
	NoServer, Here, NowHere string
	Attempt                 func(number, status int) string
	Events                  map[gateway.EventKind]string
	States                  map[gateway.PaymentState]string
	Deliveries              map[gateway.NotificationState]string
}

var callsInIndonesian = callTexts{
	Nav: "Panggilan", Title: "Panggilan masuk", Intro: "1000 panggilan terakhir ke API merchant, saat itu juga.",
	Dialect: "Protokol", Status: "Status HTTP", Signature: "Tanda tangan", Filter: "Saring",
	BadFilter: "Saringan ini tidak dapat dibaca. Periksa nomor ponsel dan status.",
	Right:     "tanda tangan benar", Wrong: "tanda tangan salah", Waiting: "menunggu jawaban",
	None: "Belum ada panggilan. Contoh siap tempel ada di beranda.", NoneFound: "Tidak ada panggilan yang cocok.",

	SameString:   "Anda menandatangani teks yang sama dengan server; perbedaannya ada pada kunci atau penulisan tanda tangan.",
	ServerString: "Teks yang ditandatangani menurut server", YourString: "Teks yang Anda tandatangani",
	SentBody: "Isi yang dikirim", SignedBody: "Isi yang Anda tandatangani", Digest: "Digest isi",
	Expected: "Tanda tangan yang benar", Received: "Tanda tangan yang diterima",
	Changed: "Yang berubah", ChangedNothing: "Tidak ada yang berubah.", Request: "Permintaan", Answer: "Jawaban", Body: "Isi",
}

var callsInEnglish = callTexts{
	Nav: "Calls", Title: "Inbound calls", Intro: "The newest 1000 calls to the merchant APIs, as they come in.",
	Dialect: "Protocol", Status: "HTTP status", Signature: "Signature", Filter: "Filter",
	BadFilter: "This filter cannot be read. Check the phone number and the status.",
	Right:     "right signature", Wrong: "wrong signature", Waiting: "waiting for its answer",
	None: "No call has come in. The home page has some to paste.", NoneFound: "No call matches.",

	SameString:   "You signed the same string as the server; the key or the way the signature is written differs.",
	ServerString: "The string to sign, as the server has it", YourString: "The string that you signed",
	SentBody: "The body that was sent", SignedBody: "The body that you signed", Digest: "Digest of the body",
	Expected: "The right signature", Received: "The signature that came",
	Changed: "What it changed", ChangedNothing: "It changed nothing.", Request: "Request", Answer: "Answer", Body: "Body",
}

var storyInIndonesian = storyTexts{
	Nav: "Pembayaran", Title: "Pembayaran", None: "Belum ada pembayaran.",
	State: "Status", Reason: "Alasan", Channel: "Kanal", Refunded: "Dikembalikan (Cash + Points)",
	Story: "Yang terjadi", Calls: "Panggilan tentang pembayaran ini", Ledger: "Buku besar", NoLedger: "Tidak ada uang yang berpindah.", Account: "Akun",
	Notifications: "Notifikasi", NoNotifications: "Tidak ada notifikasi.", NextTry: "percobaan berikutnya", Resend: "Kirim lagi", Resent: "Notifikasi dikirim lagi.",
	NoServer: "Merchant ini belum punya alamat untuk notifikasi.", Here: "Terima notifikasi di sandbox ini",
	NowHere: "Notifikasi merchant ini sekarang diterima di sini; lihat di daftar panggilan.",
	Attempt: func(number, status int) string {
		if status == 0 {
			return fmt.Sprintf("Notifikasi, percobaan %d: tidak ada jawaban", number)
		}
		return fmt.Sprintf("Notifikasi, percobaan %d: HTTP %d", number, status)
	},
	Events: map[gateway.EventKind]string{
		gateway.EventBindingStarted: "Penghubungan dimulai", gateway.EventBindingActive: "Akun terhubung", gateway.EventBindingFailed: "Penghubungan gagal",
		gateway.EventBindingExpired: "Penghubungan kedaluwarsa", gateway.EventBindingUnbound: "Hubungan diputuskan",
		gateway.EventPaymentStarted: "Pelanggan diminta membayar", gateway.EventPaymentSucceeded: "Pembayaran berhasil", gateway.EventPaymentRefused: "Pembayaran ditolak",
		gateway.EventPaymentFailed: "Pembayaran gagal", gateway.EventPaymentCancelled: "Pembayaran dibatalkan", gateway.EventPaymentExpired: "Waktu pembayaran habis",
		gateway.EventRefundSucceeded: "Dana dikembalikan",
	},
	States: map[gateway.PaymentState]string{
		gateway.PaymentAwaiting: "menunggu pelanggan", gateway.PaymentSucceeded: "berhasil", gateway.PaymentRefused: "ditolak", gateway.PaymentFailed: "gagal",
		gateway.PaymentCancelled: "dibatalkan", gateway.PaymentExpired: "waktu habis", gateway.PaymentUncertain: "belum pasti",
	},
	Deliveries: map[gateway.NotificationState]string{
		gateway.NotificationQueued: "antre", gateway.NotificationDelivered: "diterima", gateway.NotificationFailed: "gagal", gateway.NotificationUndeliverable: "tanpa alamat",
	},
}

var storyInEnglish = storyTexts{
	Nav: "Payments", Title: "Payments", None: "No payments yet.",
	State: "State", Reason: "Reason", Channel: "Channel", Refunded: "Refunded (cash + points)",
	Story: "What happened", Calls: "Calls about this payment", Ledger: "Ledger", NoLedger: "No money moved.", Account: "Account",
	Notifications: "Notifications", NoNotifications: "No notifications.", NextTry: "next attempt", Resend: "Send again", Resent: "The notification is sent again.",
	NoServer: "This merchant has no address for notifications yet.", Here: "Receive notifications in this sandbox",
	NowHere: "This merchant's notifications are received here now; the list of calls shows them.",
	Attempt: func(number, status int) string {
		if status == 0 {
			return fmt.Sprintf("Notification, attempt %d: no answer", number)
		}
		return fmt.Sprintf("Notification, attempt %d: HTTP %d", number, status)
	},
	Events: map[gateway.EventKind]string{
		gateway.EventBindingStarted: "Linking began", gateway.EventBindingActive: "Account linked", gateway.EventBindingFailed: "Linking failed",
		gateway.EventBindingExpired: "Link expired", gateway.EventBindingUnbound: "Link ended",
		gateway.EventPaymentStarted: "The customer was asked to pay", gateway.EventPaymentSucceeded: "Payment succeeded", gateway.EventPaymentRefused: "Payment refused",
		gateway.EventPaymentFailed: "Payment failed", gateway.EventPaymentCancelled: "Payment cancelled", gateway.EventPaymentExpired: "The time to pay ran out",
		gateway.EventRefundSucceeded: "Refunded",
	},
	States: map[gateway.PaymentState]string{
		gateway.PaymentAwaiting: "awaiting the customer", gateway.PaymentSucceeded: "succeeded", gateway.PaymentRefused: "refused", gateway.PaymentFailed: "failed",
		gateway.PaymentCancelled: "cancelled", gateway.PaymentExpired: "expired", gateway.PaymentUncertain: "uncertain",
	},
	Deliveries: map[gateway.NotificationState]string{
		gateway.NotificationQueued: "queued", gateway.NotificationDelivered: "delivered", gateway.NotificationFailed: "failed", gateway.NotificationUndeliverable: "no address",
	},
}
