package pages

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gerbang-pay/gerbang/internal/gateway"
)

// catalogue holds every word on the pages. A test proves that no member is empty.
var catalogue = [languages]*texts{indonesian: &inIndonesian, english: &inEnglish}

// other returns the language to switch to.
func (t *texts) other() *texts {
	if t == &inIndonesian {
		return &inEnglish
	}
	return &inIndonesian
}

// texts are the words in one language. Members that take values are functions, so
// that the compiler checks the values.
type texts struct {
	Lang     string // BCP 47
	LangName string // in the language itself

	Sandbox string // banner
	Inbox   string // link to what the sandbox sent to the phone

	BindingTitle string
	PaymentTitle string
	Step         func(n, of int) string
	Merchant     string
	Phone        string
	Amount       string
	Consent      func(merchant string) string

	OTPLabel   string
	OTPHint    func(phone string) string
	OTPResent  string // after a further code was sent
	OTPNoMore  string // no further code can be sent
	OTPDead    string // no code works any more and none can be sent
	OTPSubmit  string
	Resend     string
	PINLabel   string
	PINHint    string
	PINBinding string // the button that gives consent
	PINPayment func(amount string) string
	Cancel     string

	OTPMalformed string
	OTPWrong     func(left int) string
	OTPExpired   string
	PINMalformed string
	PINWrong     func(left int) string
	ResendSpent  string
	TooManyCodes string
	Elsewhere    string // a step that the page does not wait for

	DoneBinding func(merchant string) ending
	DonePayment func(merchant, amount string) ending
	Failed      func(reason string) ending
	Cancelled   ending
	Expired     ending
	Superseded  ending
	NoMoney     string // added to a payment that did not succeed
	NoLink      string // added to a binding that did not succeed
	Back        func(merchant string) string
	BackByHand  string // when the merchant gave no usable address

	ReasonUnknown      string
	ReasonOTP          string
	ReasonPIN          string
	ReasonLocked       string
	ReasonBlocked      string
	ReasonFunds        string
	ReasonLimit        string
	ReasonDaily        string
	ReasonAlreadyBound string
	ReasonUnbound      string

	NotFound   ending
	BadRequest ending
	Foreign    ending
	Busy       ending
	Broken     ending
	Retry      string
}

// ending is what a page says when there is nothing left to do on it.
type ending struct{ Heading, Body string }

// refused returns the status and the message of a refused step after which the
// visitor can go on with the page, or "" for every other error.
func (t *texts) refused(err error, at gateway.PageState) (status int, message string) {
	var e *gateway.Error
	if !errors.As(err, &e) {
		return 0, ""
	}
	switch e.Code {
	case gateway.Invalid:
		message = t.OTPMalformed
		if at == gateway.PagePIN {
			message = t.PINMalformed
		}
	case gateway.OTPWrong:
		message = t.OTPWrong(e.Left)
	case gateway.OTPExpired:
		message = t.OTPExpired
	case gateway.PINWrong:
		message = t.PINWrong(e.Left)
	case gateway.CountExceeded:
		message = t.ResendSpent
	case gateway.TooManyAsks:
		message = t.TooManyCodes
	case gateway.WrongState:
		return http.StatusConflict, t.Elsewhere
	default:
		return 0, ""
	}
	return http.StatusUnprocessableEntity, message
}

// reason says why a page failed.
func (t *texts) reason(c gateway.Code) string {
	switch c {
	case gateway.OTPWrong:
		return t.ReasonOTP
	case gateway.PINWrong:
		return t.ReasonPIN
	case gateway.WalletLocked:
		return t.ReasonLocked
	case gateway.WalletBlocked:
		return t.ReasonBlocked
	case gateway.InsufficientFunds:
		return t.ReasonFunds
	case gateway.LimitExceeded:
		return t.ReasonLimit
	case gateway.CountExceeded, gateway.SumExceeded:
		return t.ReasonDaily
	case gateway.AlreadyBound, gateway.BoundElsewhere:
		return t.ReasonAlreadyBound
	case gateway.BindingInvalid:
		return t.ReasonUnbound
	}
	return t.ReasonUnknown
}

var inIndonesian = texts{
	Lang:     "id",
	LangName: "Bahasa Indonesia",

	Sandbox: "Sandbox – bukan uang sungguhan",
	Inbox:   "Buka kotak masuk ponsel",

	BindingTitle: "Hubungkan OVO",
	PaymentTitle: "Bayar dengan OVO",
	Step:         func(n, of int) string { return fmt.Sprintf("Langkah %d dari %d", n, of) },
	Merchant:     "Merchant",
	Phone:        "Nomor OVO",
	Amount:       "Jumlah",
	Consent: func(merchant string) string {
		return "Dengan menghubungkan OVO, Anda mengizinkan " + merchant + " menagih OVO Anda tanpa meminta persetujuan setiap kali. " +
			"Izin ini dapat Anda cabut kapan saja di aplikasi OVO."
	},

	OTPLabel:   "Kode OTP",
	OTPHint:    func(phone string) string { return "Masukkan 6 angka yang dikirim ke " + phone + "." },
	OTPResent:  "Kode baru sudah dikirim. Hanya kode terakhir yang berlaku.",
	OTPNoMore:  "Kode tidak dapat dikirim lagi untuk permintaan ini.",
	OTPDead:    "Kode sudah tidak berlaku dan tidak dapat dikirim lagi. Batalkan, lalu mulai lagi dari merchant.",
	OTPSubmit:  "Lanjut",
	Resend:     "Kirim ulang kode",
	PINLabel:   "PIN OVO",
	PINHint:    "Masukkan 6 angka PIN Anda. Jangan berikan PIN kepada siapa pun.",
	PINBinding: "Izinkan dan hubungkan",
	PINPayment: func(amount string) string { return "Bayar " + amount },
	Cancel:     "Batal",

	OTPMalformed: "Kode OTP terdiri dari 6 angka.",
	OTPWrong:     func(left int) string { return fmt.Sprintf("Kode OTP salah. Sisa %d kesempatan.", left) },
	OTPExpired:   "Kode OTP sudah tidak berlaku. Minta kode baru.",
	PINMalformed: "PIN terdiri dari 6 angka.",
	PINWrong: func(left int) string {
		return fmt.Sprintf("PIN salah. Sisa %d kesempatan sebelum OVO Anda dikunci sementara.", left)
	},
	ResendSpent:  "Kode tidak dapat dikirim lagi untuk permintaan ini.",
	TooManyCodes: "Terlalu banyak kode telah dikirim ke ponsel Anda. Coba lagi beberapa menit lagi.",
	Elsewhere:    "Halaman ini sudah di langkah lain. Silakan lanjutkan dari sini.",

	DoneBinding: func(merchant string) ending {
		return ending{"OVO terhubung", "Mulai sekarang " + merchant + " dapat menagih OVO Anda."}
	},
	DonePayment: func(merchant, amount string) ending {
		return ending{"Pembayaran berhasil", amount + " sudah dibayarkan ke " + merchant + "."}
	},
	Failed:     func(reason string) ending { return ending{"Tidak berhasil", reason} },
	Cancelled:  ending{"Dibatalkan", "Permintaan ini sudah dibatalkan."},
	Expired:    ending{"Waktu habis", "Permintaan ini tidak diselesaikan tepat waktu."},
	Superseded: ending{"Sudah diganti", "Ada permintaan baru yang menggantikan halaman ini. Lanjutkan di halaman yang terbaru."},
	NoMoney:    "Tidak ada uang yang diambil.",
	NoLink:     "OVO Anda tidak dihubungkan lewat halaman ini.",
	Back:       func(merchant string) string { return "Kembali ke " + merchant },
	BackByHand: "Anda boleh menutup halaman ini dan kembali ke merchant.",

	ReasonUnknown:      "Permintaan ini tidak dapat diselesaikan.",
	ReasonOTP:          "Kode OTP terlalu sering salah.",
	ReasonPIN:          "PIN terlalu sering salah. Demi keamanan, OVO Anda dikunci sementara.",
	ReasonLocked:       "OVO Anda sedang dikunci sementara karena PIN terlalu sering salah. Coba lagi nanti.",
	ReasonBlocked:      "OVO ini diblokir. Hubungi layanan pelanggan OVO.",
	ReasonFunds:        "Saldo OVO Anda tidak cukup.",
	ReasonLimit:        "Jumlah ini melebihi batas satu transaksi.",
	ReasonDaily:        "Batas transaksi OVO Anda hari ini sudah tercapai.",
	ReasonAlreadyBound: "OVO ini sudah terhubung dengan merchant tersebut.",
	ReasonUnbound:      "OVO Anda tidak lagi terhubung dengan merchant ini.",

	NotFound:   ending{"Halaman tidak ditemukan", "Alamat ini tidak lengkap atau sudah tidak ada. Mulai lagi dari merchant."},
	BadRequest: ending{"Permintaan tidak dimengerti", "Buka lagi halaman ini dan ulangi langkah terakhir."},
	Foreign:    ending{"Permintaan ditolak", "Formulir ini dikirim dari situs lain. Isi hanya di halaman ini."},
	Busy:       ending{"Sedang sibuk", "Langkah terakhir belum diproses. Tunggu sebentar, lalu coba lagi."},
	Broken:     ending{"Terjadi gangguan", "Ini bukan kesalahan Anda. Buka lagi halaman ini untuk melihat keadaan terakhir."},
	Retry:      "Buka lagi halaman ini",
}

var inEnglish = texts{
	Lang:     "en",
	LangName: "English",

	Sandbox: "Sandbox – no real money",
	Inbox:   "Open the phone’s inbox",

	BindingTitle: "Link OVO",
	PaymentTitle: "Pay with OVO",
	Step:         func(n, of int) string { return fmt.Sprintf("Step %d of %d", n, of) },
	Merchant:     "Merchant",
	Phone:        "OVO number",
	Amount:       "Amount",
	Consent: func(merchant string) string {
		return "By linking OVO you allow " + merchant + " to charge your OVO without asking each time. " +
			"You can withdraw this at any time in the OVO app."
	},

	OTPLabel:   "OTP code",
	OTPHint:    func(phone string) string { return "Enter the 6 digits sent to " + phone + "." },
	OTPResent:  "A new code was sent. Only the latest code works.",
	OTPNoMore:  "No further code can be sent for this request.",
	OTPDead:    "The code no longer works and none can be sent again. Cancel, then start again at the merchant.",
	OTPSubmit:  "Continue",
	Resend:     "Send a new code",
	PINLabel:   "OVO PIN",
	PINHint:    "Enter your 6-digit PIN. Never tell it to anyone.",
	PINBinding: "Allow and link",
	PINPayment: func(amount string) string { return "Pay " + amount },
	Cancel:     "Cancel",

	OTPMalformed: "The OTP code has 6 digits.",
	OTPWrong:     func(left int) string { return "That code is wrong. You have " + tries(left) + " left." },
	OTPExpired:   "That code no longer works. Ask for a new one.",
	PINMalformed: "The PIN has 6 digits.",
	PINWrong: func(left int) string {
		return "That PIN is wrong. You have " + tries(left) + " left before your OVO is locked for a while."
	},
	ResendSpent:  "No further code can be sent for this request.",
	TooManyCodes: "Too many codes were sent to your phone. Try again in a few minutes.",
	Elsewhere:    "This page is at another step. Please continue from here.",

	DoneBinding: func(merchant string) ending {
		return ending{"OVO is linked", "From now on " + merchant + " can charge your OVO."}
	},
	DonePayment: func(merchant, amount string) ending {
		return ending{"Payment complete", amount + " was paid to " + merchant + "."}
	},
	Failed:     func(reason string) ending { return ending{"That did not work", reason} },
	Cancelled:  ending{"Cancelled", "This request was cancelled."},
	Expired:    ending{"Time is up", "This request was not completed in time."},
	Superseded: ending{"Replaced", "A newer request has replaced this page. Please continue on the newest one."},
	NoMoney:    "No money was taken.",
	NoLink:     "Your OVO was not linked through this page.",
	Back:       func(merchant string) string { return "Back to " + merchant },
	BackByHand: "You may close this page and go back to the merchant.",

	ReasonUnknown:      "This request could not be completed.",
	ReasonOTP:          "The OTP code was wrong too often.",
	ReasonPIN:          "The PIN was wrong too often. To keep your money safe, your OVO is locked for a while.",
	ReasonLocked:       "Your OVO is locked for a while because the PIN was wrong too often. Try again later.",
	ReasonBlocked:      "This OVO is blocked. Please ask OVO’s customer care.",
	ReasonFunds:        "Your OVO balance is too low.",
	ReasonLimit:        "The amount is more than one transaction may move.",
	ReasonDaily:        "Your OVO has reached today’s transaction limit.",
	ReasonAlreadyBound: "This OVO is already linked with the merchant.",
	ReasonUnbound:      "Your OVO is no longer linked with this merchant.",

	NotFound:   ending{"Page not found", "The address is incomplete or no longer exists. Please start again at the merchant."},
	BadRequest: ending{"Request not understood", "Open this page again and repeat the last step."},
	Foreign:    ending{"Request refused", "The form was sent by another site. Please fill it in on this page only."},
	Busy:       ending{"Too busy", "The last step was not carried out. Wait a moment, then try again."},
	Broken:     ending{"Something went wrong", "This is not your fault. Open this page again to see where things stand."},
	Retry:      "Open this page again",
}

func tries(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}
