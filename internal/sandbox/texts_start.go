package sandbox

import "fmt"

// startTexts are the words of the welcome page.
type startTexts struct {
	Title, Intro                     string
	First                            string
	StepPaste, StepApprove, StepLook string
	Examples                         map[string]exampleTexts // by example.System
	NoExamples                       string
	Holds                            func(until string) string
	ForEver                          string
	Once, Reload                     string

	Credentials, AllCredentials     string
	ClientID, SecretKey, PrivateKey string
	FaspayID, UserID, Password      string
	NoMerchants                     string
	PhonesNote, SideBySide          string
	More                            func(left int) string
	AllCalls                        string

	Journey, JourneyNote     string
	Play, PlayAgain, Playing string
	Played                   string

	ControlAPI, ControlNote            string
	Control                            [6]string // what each of the control calls does
	Magic, MagicNote, OVOCode, Meaning string
}

// exampleTexts describe one example.
type exampleTexts struct{ Title, Does string }

var startInIndonesian = startTexts{
	Title: "Sandbox OVO Anda siap",
	Intro: "Di sini berjalan gerbang pembayaran OVO untuk mencoba: API merchant, halaman OTP dan PIN, ponsel pelanggan, dan notifikasi. Tidak ada uang yang berpindah.",
	First: "Panggilan pertama Anda", StepPaste: "Salin satu panggilan ke terminal. Tanda tangannya sudah benar.",
	StepApprove: "Setujui di ponsel:", StepLook: "Lihat pembayaran, buku besar dan notifikasinya:",
	Examples: map[string]exampleTexts{
		"push":          {"OVO Push Payment", "Ponsel menampilkan permintaan bayar; panggilan menunggu jawaban sampai 70 detik."},
		"jokul":         {"OVO Recurring (sebelum SNAP)", "Menghubungkan akun OVO: buka registration_url dari jawabannya, kode OTP ada di ponsel."},
		"snap":          {"OVO di SNAP direct debit", "Token B2B, lalu menghubungkan akun OVO: buka redirectUrl dari jawabannya, kode OTP ada di ponsel."},
		"snap_archived": {"OVO Open API (path lama)", "Sama seperti SNAP, dengan path yang diarsipkan."},
		"faspay":        {"Faspay OVO Tokenize", "Menghubungkan akun OVO, dalam JSON atau XML: buka redirectURL dari jawabannya, kode OTP ada di ponsel."},
	},
	NoExamples: "Untuk contoh yang ditandatangani dibutuhkan satu merchant dan satu dompet.",
	Holds:      func(until string) string { return "Stempel waktunya diterima sampai " + until + " WIB." },
	ForEver:    "Tanpa stempel waktu, jadi tetap berlaku.",
	Once:       "Setiap panggilan berlaku satu kali; nomornya tidak boleh diulang.", Reload: "Buat yang baru",

	Credentials: "Kredensial", AllCredentials: "Semua kunci (JSON)", ClientID: "Client ID", SecretKey: "Secret Key", PrivateKey: "Private key RSA",
	FaspayID: "Faspay merchant ID", UserID: "Faspay user ID", Password: "Faspay password",
	NoMerchants: "Belum ada merchant. Buat dengan POST /sandbox/v1/merchants.",
	PhonesNote:  "Buka ponsel untuk membaca kode OTP dan menjawab permintaan bayar.", SideBySide: "Beberapa ponsel berdampingan",
	More:     func(left int) string { return fmt.Sprintf("dan %d lainnya di /sandbox/v1/wallets", left) },
	AllCalls: "Semua panggilan, dengan penjelasan tanda tangan",

	Journey: "Demo", JourneyNote: "Menjalankan semua perjalanan lewat HTTP terhadap sandbox ini, dengan merchant dan dompetnya sendiri.",
	Play: "Jalankan demo", PlayAgain: "Jalankan lagi", Playing: "Sedang berjalan", Played: "Selesai",

	ControlAPI: "API kendali", ControlNote: "Untuk pengujian otomatis. Semua jawaban berupa JSON.",
	Control: [6]string{
		"Semua dompet dengan kode OTP dan permintaan bayar", "Majukan jam 71 detik", "Tolak pembayaran berikutnya dengan kode OVO 61",
		"Panggilan masuk, dengan penjelasan tanda tangan", "Periksa pembukuan", "Kembalikan ke keadaan awal",
	},
	Magic: "Nomor ajaib", MagicNote: "Push payment dan pembayaran token dengan nomor ini selalu berakhir dengan kode tersebut. Yang berkode 00 adalah dompet biasa. PIN-nya 123456.",
	OVOCode: "Kode OVO", Meaning: "Arti (bahasa Inggris)",
}

var startInEnglish = startTexts{
	Title: "Your OVO sandbox is up",
	Intro: "This is an OVO payment gateway to try things on: the merchant APIs, the OTP and PIN pages, the customer's phone, and notifications. No money moves.",
	First: "Your first call", StepPaste: "Paste a call into a terminal. Its signature is right already.",
	StepApprove: "Approve it on the phone:", StepLook: "Look at the payment, its ledger entries and its notification:",
	Examples: map[string]exampleTexts{
		"push":          {"OVO Push Payment", "The phone shows a request to pay; the call waits for its answer for up to 70 seconds."},
		"jokul":         {"OVO Recurring (before SNAP)", "Links an OVO account: open the answer's registration_url; the one-time code is on the phone."},
		"snap":          {"OVO on SNAP direct debit", "A B2B token, then the linking of an OVO account: open the answer's redirectUrl; the one-time code is on the phone."},
		"snap_archived": {"OVO Open API (archived paths)", "The same as SNAP, on the archived paths."},
		"faspay":        {"Faspay OVO Tokenize", "Links an OVO account, in JSON or XML: open the redirectURL of its answer; the one-time code is on the phone."},
	},
	NoExamples: "Signed examples need a merchant and a wallet.",
	Holds:      func(until string) string { return "Its timestamp is accepted until " + until + " WIB." },
	ForEver:    "It has no timestamp, so it holds for ever.",
	Once:       "Each call serves once; its numbers must not come again.", Reload: "Make new ones",

	Credentials: "Credentials", AllCredentials: "All keys (JSON)", ClientID: "Client ID", SecretKey: "Secret key", PrivateKey: "RSA private key",
	FaspayID: "Faspay merchant id", UserID: "Faspay user id", Password: "Faspay password",
	NoMerchants: "There is no merchant yet. Make one with POST /sandbox/v1/merchants.",
	PhonesNote:  "Open a phone to read one-time codes and to answer requests to pay.", SideBySide: "Several phones side by side",
	More:     func(left int) string { return fmt.Sprintf("and %d more at /sandbox/v1/wallets", left) },
	AllCalls: "All calls, with the verdict on each signature",

	Journey: "Demo", JourneyNote: "Plays every journey over HTTP against this sandbox, with a merchant and a wallet of its own.",
	Play: "Play the demo", PlayAgain: "Play it again", Playing: "Playing", Played: "Done",

	ControlAPI: "Control API", ControlNote: "For automated tests. Every answer is JSON.",
	Control: [6]string{
		"All wallets with their one-time codes and requests", "Move the clock forward by 71 seconds", "Refuse the next payment with OVO's code 61",
		"Inbound calls, with the verdict on each signature", "Check the books", "Start afresh",
	},
	Magic: "Magic phone numbers", MagicNote: "A push payment or a payment by token with one of these numbers always ends with its code. The one for 00 is an ordinary wallet. The PIN is 123456.",
	OVOCode: "OVO code", Meaning: "Meaning",
}
