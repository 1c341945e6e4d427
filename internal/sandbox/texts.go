package sandbox

import (
	"errors"
	"fmt"

	"github.com/gerbang-pay/gerbang/internal/gateway"
	"github.com/gerbang-pay/gerbang/internal/web"
)

// texts are the words of the pages in one language.
type texts struct {
	Sandbox    string // banner
	Home       string
	Phones     string
	Simulator  string
	BackOffice string
	Merchant   string
	Phone      string
	All        string
	Older      string
	NoPhones   string

	Start startTexts
	Calls callTexts
	Story storyTexts

	ChoosePhones, ShowPhones      string
	History, AllHistory           string
	NoHistory                     string
	PhoneCalls                    string
	CodeCame                      string // told aloud
	OrIgnore                      string
	PhoneTitle, Cash, Points      string
	Locked                        func(until string) string
	Blocked                       string
	Requests, NoRequests          string
	Waiting                       func(n int) string
	Invoice, Amount, Until        string
	Left                          string // before a count-down
	Seconds                       string // after it
	Purse, UseCash, UsePoints     string
	UsePointsFirst                string
	PIN, PINHint                  string
	Approve, Decline              string
	Inbox, NoInbox                string
	ForBinding, ForPayment        string
	OpenPage, ValidUntil          string
	Links, NoLinks                string
	Customer, Unlink              string
	TopUp, TopUpCash, TopUpPoints string
	TopUpSubmit                   string
	ToppedUp, Unlinked            string

	SimTitle, SimIntro   string
	SimNoPhones          string
	ActivePhones         string
	Inquiry, Details     string
	NotFoundHere, PayNow string
	Again, OpenPhone     string

	Paid      func(amount, purses string) string
	Declined  string
	TimedOut  string
	NotPaid   string
	Uncertain string

	WrongPIN     func(left int) string
	BadPIN       string
	NoFunds      string
	NowLocked    string
	NowBlocked   string
	TooLate      string
	Elsewhere    string // a step that nothing waits for
	BadAmount    string
	HoldsTooMuch string
	Busy         string

	NotFound, BadRequest, Foreign, Unavailable, Broken problemText
}

// problemText is a page that says why there is none.
type problemText struct{ Heading, Body string }

// refusal is what a visitor is told who can go on from here, or "" for every other
// error.
func (t *texts) refusal(err error) string {
	var e *gateway.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code {
	case gateway.PINWrong:
		return t.WrongPIN(e.Left)
	case gateway.InsufficientFunds:
		return t.NoFunds
	case gateway.WalletLocked:
		return t.NowLocked
	case gateway.WalletBlocked, gateway.CardBlocked:
		return t.NowBlocked
	case gateway.Expired:
		return t.TooLate
	case gateway.WrongState:
		return t.Elsewhere
	case gateway.AmountInvalid:
		return t.BadAmount
	case gateway.HoldingExceeded:
		return t.HoldsTooMuch
	case gateway.Busy:
		return t.Busy
	}
	return ""
}

// outcome says how a push ended, or "" while it has not.
func (t *texts) outcome(p gateway.Payment) string {
	switch p.State {
	case gateway.PaymentSucceeded:
		purses := ""
		if p.Split.Cash > 0 {
			purses = t.Cash + " " + p.Split.Cash.Rupiah()
		}
		if p.Split.Points > 0 {
			if purses != "" {
				purses += ", "
			}
			purses += t.Points + " " + p.Split.Points.Rupiah()
		}
		return t.Paid(p.Amount.Rupiah(), purses)
	case gateway.PaymentCancelled:
		return t.Declined
	case gateway.PaymentExpired:
		return t.TimedOut
	case gateway.PaymentUncertain:
		return t.Uncertain
	case gateway.PaymentAwaiting:
		return ""
	}
	return t.NotPaid
}

// words are the texts by language.
var words = map[web.Language]*texts{web.Indonesian: &inIndonesian, web.English: &inEnglish}

var inIndonesian = texts{
	Sandbox: "Sandbox – bukan uang sungguhan", Home: "Beranda", Phones: "Ponsel", Simulator: "Simulator OVO", BackOffice: "Back office",
	Merchant: "Merchant", Phone: "Nomor ponsel", All: "Semua", Older: "Lebih lama",
	NoPhones: "Belum ada dompet. Buat dengan POST /sandbox/v1/wallets.",

	Start: startInIndonesian, Calls: callsInIndonesian, Story: storyInIndonesian,

	ChoosePhones: "Pilih ponsel", ShowPhones: "Tampilkan", History: "Riwayat", AllHistory: "Semua riwayat", NoHistory: "Belum ada pembayaran.",
	PhoneCalls: "Panggilan API tentang ponsel ini", CodeCame: "Kode OTP masuk.", OrIgnore: "Atau abaikan: setelah 70 detik permintaan berakhir.",

	PhoneTitle: "Ponsel", Cash: "OVO Cash", Points: "OVO Points",
	Locked:  func(until string) string { return "PIN salah terlalu sering. Dompet terkunci sampai " + until + "." },
	Blocked: "Dompet ini diblokir.", Requests: "Permintaan bayar", NoRequests: "Tidak ada permintaan bayar.",
	Waiting: func(n int) string {
		return fmt.Sprintf("%d permintaan bayar menunggu.", n)
	},
	Invoice: "Invoice", Amount: "Jumlah", Until: "Jawab sebelum", Left: "Sisa waktu", Seconds: "detik",
	Purse: "Bayar dengan", UseCash: "OVO Cash", UsePoints: "OVO Points", UsePointsFirst: "OVO Points dulu, sisanya OVO Cash",
	PIN: "PIN OVO", PINHint: "PIN sandbox:", Approve: "Bayar", Decline: "Tolak",
	Inbox: "Kotak masuk", NoInbox: "Tidak ada kode OTP.", ForBinding: "Kode untuk menghubungkan akun", ForPayment: "Kode untuk pembayaran", OpenPage: "Buka halaman", ValidUntil: "Berlaku sampai",
	Links: "Merchant terhubung", NoLinks: "Belum ada merchant terhubung.", Customer: "Pelanggan", Unlink: "Putuskan",
	TopUp: "Isi saldo", TopUpCash: "OVO Cash (rupiah)", TopUpPoints: "OVO Points", TopUpSubmit: "Isi saldo",
	ToppedUp: "Saldo sudah diisi.", Unlinked: "Merchant sudah diputuskan.",

	SimTitle: "Simulator OVO", SimIntro: "Kirim permintaan push payment, lalu cari di sini dengan nomor ponsel dan nomor invoice-nya.",
	SimNoPhones: "Tidak ada nomor aktif.", ActivePhones: "Nomor ponsel aktif", Inquiry: "Inquiry", Details: "Rincian pembayaran",
	NotFoundHere: "Tidak ditemukan. Tidak ada permintaan yang menunggu dengan nomor ponsel dan invoice ini.", PayNow: "Pay Now",
	Again: "Cari lagi", OpenPhone: "Buka ponsel",

	Paid:     func(amount, purses string) string { return "Terbayar " + amount + " (" + purses + ")." },
	Declined: "Permintaan ditolak.", TimedOut: "Waktu untuk menjawab sudah habis.", NotPaid: "Pembayaran gagal.", Uncertain: "Hasil pembayaran belum diketahui.",

	WrongPIN: func(left int) string { return fmt.Sprintf("PIN salah. Sisa %d percobaan.", left) },
	BadPIN:   "PIN terdiri dari enam angka.", NoFunds: "Saldo yang dipilih tidak cukup. Pilih saldo lain atau isi saldo; permintaan tetap menunggu.",
	NowLocked: "Dompet terkunci karena PIN salah terlalu sering.", NowBlocked: "Dompet ini diblokir.",
	TooLate: "Waktu untuk menjawab sudah habis.", Elsewhere: "Ini sudah dijawab atau sudah berakhir.",
	BadAmount: "Isi jumlah dalam rupiah penuh, hanya angka, lebih dari 0.", HoldsTooMuch: "Dompet tidak boleh menyimpan sebanyak itu.",
	Busy: "Terlalu banyak PIN sedang diperiksa. Coba lagi sebentar lagi.",

	NotFound:    problemText{"Tidak ditemukan", "Di sini tidak ada yang Anda cari. Periksa nomor ponselnya."},
	BadRequest:  problemText{"Formulir tidak dapat dibaca", "Kembali, lalu kirim sekali lagi."},
	Foreign:     problemText{"Ditolak", "Formulir ini dikirim oleh situs lain."},
	Unavailable: problemText{"Sedang sibuk", "Coba lagi sebentar lagi."},
	Broken:      problemText{"Terjadi kesalahan", "Log server menjelaskan apa yang terjadi."},
}

var inEnglish = texts{
	Sandbox: "Sandbox – no real money", Home: "Home", Phones: "Phones", Simulator: "OVO simulator", BackOffice: "Back office",
	Merchant: "Merchant", Phone: "Phone number", All: "All", Older: "Older",
	NoPhones: "There is no wallet yet. Make one with POST /sandbox/v1/wallets.",

	Start: startInEnglish, Calls: callsInEnglish, Story: storyInEnglish,

	ChoosePhones: "Choose phones", ShowPhones: "Show", History: "History", AllHistory: "All of the history", NoHistory: "No payments yet.",
	PhoneCalls: "API calls about this phone", CodeCame: "A one-time code came in.", OrIgnore: "Or ignore it: after 70 seconds the request is over.",

	PhoneTitle: "Phone", Cash: "OVO Cash", Points: "OVO Points",
	Locked:  func(until string) string { return "Too many wrong PINs. The wallet is locked until " + until + "." },
	Blocked: "This wallet is blocked.", Requests: "Requests to pay", NoRequests: "Nothing to pay.",
	Waiting: func(n int) string {
		if n == 1 {
			return "1 request to pay is waiting."
		}
		return fmt.Sprintf("%d requests to pay are waiting.", n)
	},
	Invoice: "Invoice", Amount: "Amount", Until: "Answer before", Left: "Time left", Seconds: "seconds",
	Purse: "Pay with", UseCash: "OVO Cash", UsePoints: "OVO Points", UsePointsFirst: "OVO Points first, then OVO Cash",
	PIN: "OVO PIN", PINHint: "Sandbox PIN:", Approve: "Approve", Decline: "Decline",
	Inbox: "Inbox", NoInbox: "No one-time codes.", ForBinding: "Code to link your account", ForPayment: "Code for a payment", OpenPage: "Open the page", ValidUntil: "Valid until",
	Links: "Linked merchants", NoLinks: "No merchant is linked.", Customer: "Customer", Unlink: "Unlink",
	TopUp: "Top up", TopUpCash: "OVO Cash (rupiah)", TopUpPoints: "OVO Points", TopUpSubmit: "Top up",
	ToppedUp: "The wallet was topped up.", Unlinked: "The merchant was unlinked.",

	SimTitle: "OVO simulator", SimIntro: "Send a push payment, then find it here by its phone number and invoice number.",
	SimNoPhones: "There are no active phone numbers.", ActivePhones: "Active phone numbers", Inquiry: "Inquiry", Details: "Payment details",
	NotFoundHere: "Not found. Nothing is waiting with this phone number and invoice number.", PayNow: "Pay Now",
	Again: "Search again", OpenPhone: "Open the phone",

	Paid:     func(amount, purses string) string { return "Paid " + amount + " (" + purses + ")." },
	Declined: "The request was declined.", TimedOut: "The time to answer is over.", NotPaid: "The payment failed.", Uncertain: "The outcome of the payment is not known yet.",

	WrongPIN: func(left int) string {
		if left == 1 {
			return "Wrong PIN. 1 try left."
		}
		return fmt.Sprintf("Wrong PIN. %d tries left.", left)
	},
	BadPIN: "A PIN has six digits.", NoFunds: "The purse you chose holds too little. Choose another one or top up; the request goes on waiting.",
	NowLocked: "Too many wrong PINs locked the wallet.", NowBlocked: "This wallet is blocked.",
	TooLate: "The time to answer is over.", Elsewhere: "This was answered already, or is over.",
	BadAmount: "Give amounts in whole rupiah, digits only, more than 0.", HoldsTooMuch: "The wallet may not hold that much.",
	Busy: "Too many PINs are being checked. Try again in a moment.",

	NotFound:    problemText{"Not found", "There is nothing here. Check the phone number."},
	BadRequest:  problemText{"The form could not be read", "Go back and send it again."},
	Foreign:     problemText{"Refused", "Another site sent this form."},
	Unavailable: problemText{"Busy", "Try again in a moment."},
	Broken:      problemText{"Something went wrong", "The server's log says what."},
}
