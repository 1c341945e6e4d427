package pages

import (
	"embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed icons/*.svg
var icons embed.FS

// guide says how to fill a wallet in one way.
type guide struct {
	slug string
	icon string // SVG
	text [languages]guideText
}

type guideText struct {
	Name  string
	Steps []string
}

// guideFrame is what all guides say.
type guideFrame struct{ Title, Note, Others string }

const guideRoot = "/topup/"

// Guide is one way to fill a wallet, as others link to it.
type Guide struct {
	Path string // of the page
	Icon string // path of a picture, SVG
}

// Guides lists the ways to fill a wallet: at a cash machine, with a bank's app, in
// Grab, in Tokopedia, at a merchant or agent of OVO.
func Guides() []Guide {
	var list []Guide
	for _, g := range guides {
		list = append(list, Guide{guideRoot + g.slug, guideRoot + g.slug + ".svg"})
	}
	return list
}

// guideScreen is a guide as the template shows it.
type guideScreen struct {
	guideText
	guideFrame
	Icon template.HTML
	Ways []guideLink
}

type guideLink struct {
	Path, Name string
	Here       bool
}

// mountGuides registers the pages that say how to fill a wallet. They are public:
// nothing on them is about anybody.
func (h *Handler) mountGuides(mux *http.ServeMux) {
	for _, g := range guides {
		mux.HandleFunc("GET "+guideRoot+g.slug, func(w http.ResponseWriter, r *http.Request) { h.guide(w, r, g) })
		mux.HandleFunc("GET "+guideRoot+g.slug+".svg", func(w http.ResponseWriter, _ *http.Request) {
			header := w.Header()
			header.Set("Content-Type", "image/svg+xml")
			header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
			header.Set("X-Content-Type-Options", "nosniff")
			header.Set("Cache-Control", "public, max-age=86400")
			w.Write([]byte(g.icon))
		})
	}
}

func (h *Handler) guide(w http.ResponseWriter, r *http.Request, g guide) {
	lang := chooseLanguage(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	shown := guideScreen{guideText: g.text[lang], guideFrame: guideFrames[lang], Icon: template.HTML(g.icon)}
	for _, other := range guides {
		shown.Ways = append(shown.Ways, guideLink{guideRoot + other.slug, other.text[lang].Name, other.slug == g.slug})
	}
	v := &visit{Handler: h, w: w, r: r, text: catalogue[lang], action: "guide"}
	v.render(http.StatusOK, screen{Title: shown.Title, Guide: &shown})
}

// newGuide takes its icon from the file of the same name.
func newGuide(slug string, text [languages]guideText) guide {
	icon, err := icons.ReadFile("icons/" + slug + ".svg")
	if err != nil { // embedded
		panic(err)
	}
	return guide{slug, strings.TrimSpace(string(icon)), text}
}

var guideFrames = [languages]guideFrame{
	indonesian: {
		Title:  "Isi saldo OVO",
		Note:   "Periksa nama dan jumlah sebelum mengonfirmasi. Saldo biasanya bertambah dalam beberapa menit. Jangan pernah memberikan OTP atau PIN kepada siapa pun.",
		Others: "Cara lain",
	},
	english: {
		Title:  "Top up OVO",
		Note:   "Check the name and the amount before you confirm. The balance usually rises within a few minutes. Never tell anybody an OTP or your PIN.",
		Others: "Other ways",
	},
}

var guides = []guide{
	newGuide("atm", [languages]guideText{
		indonesian: {"ATM", []string{
			"Masukkan kartu dan PIN ATM Anda.",
			"Pilih transaksi lain, lalu transfer ke virtual account.",
			"Masukkan kode OVO untuk bank Anda, disambung nomor ponsel OVO Anda. Kodenya tertulis di aplikasi OVO pada menu isi saldo.",
			"Masukkan jumlah, periksa nama yang tampil, lalu konfirmasi.",
			"Simpan struk sampai saldo Anda bertambah.",
		}},
		english: {"ATM", []string{
			"Insert your card and enter its PIN.",
			"Choose other transactions, then a transfer to a virtual account.",
			"Enter OVO’s code for your bank, followed by the phone number of your OVO. The code is in the OVO app, under top-up.",
			"Enter the amount, check the name that is shown, then confirm.",
			"Keep the receipt until your balance has risen.",
		}},
	}),
	newGuide("banking", [languages]guideText{
		indonesian: {"Internet atau Mobile Banking", []string{
			"Masuk ke internet banking atau aplikasi bank Anda.",
			"Pilih transfer ke virtual account.",
			"Masukkan kode OVO untuk bank Anda, disambung nomor ponsel OVO Anda. Kodenya tertulis di aplikasi OVO pada menu isi saldo.",
			"Masukkan jumlah dan periksa nama yang tampil.",
			"Konfirmasi dengan PIN atau token bank Anda.",
		}},
		english: {"Internet or mobile banking", []string{
			"Sign in to your bank’s site or app.",
			"Choose a transfer to a virtual account.",
			"Enter OVO’s code for your bank, followed by the phone number of your OVO. The code is in the OVO app, under top-up.",
			"Enter the amount and check the name that is shown.",
			"Confirm with your bank’s PIN or token.",
		}},
	}),
	newGuide("grab", [languages]guideText{
		indonesian: {"Grab", []string{
			"Buka aplikasi Grab dan pilih OVO di menu pembayaran.",
			"Pilih isi saldo.",
			"Pilih cara membayar dan masukkan jumlah.",
			"Ikuti petunjuk di layar sampai selesai.",
		}},
		english: {"Grab", []string{
			"Open the Grab app and choose OVO among the ways to pay.",
			"Choose top-up.",
			"Choose how you pay and enter the amount.",
			"Follow what the screen says until the end.",
		}},
	}),
	newGuide("tokopedia", [languages]guideText{
		indonesian: {"Tokopedia", []string{
			"Buka Tokopedia dan pilih menu isi ulang uang elektronik.",
			"Pilih OVO dan masukkan nomor ponsel OVO Anda.",
			"Pilih jumlah, lalu lanjut ke pembayaran.",
			"Bayar dengan cara yang Anda pilih.",
		}},
		english: {"Tokopedia", []string{
			"Open Tokopedia and choose the top-up of electronic money.",
			"Choose OVO and enter the phone number of your OVO.",
			"Choose the amount and go on to the payment.",
			"Pay in the way you choose.",
		}},
	}),
	newGuide("mitra", [languages]guideText{
		indonesian: {"Merchant atau Mitra OVO", []string{
			"Datangi kasir merchant atau Mitra OVO terdekat.",
			"Sebutkan nomor ponsel OVO Anda dan jumlah yang ingin diisi.",
			"Serahkan uang tunai.",
			"Tunggu sampai pemberitahuan masuk di aplikasi OVO sebelum pergi.",
		}},
		english: {"Merchant or OVO agent", []string{
			"Go to the till of a merchant or OVO agent near you.",
			"Tell the phone number of your OVO and how much to top up.",
			"Hand over the cash.",
			"Wait for the notice in the OVO app before you leave.",
		}},
	}),
}
