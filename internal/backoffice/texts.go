package backoffice

// indonesian has every text of the pages, and the gateway's words that they show.
var indonesian = vocabulary{
	// The frame and what all pages share
	"Back office": "Back office",
	"Sandbox: everybody who can open this page is an operator": "Sandbox: siapa pun yang dapat membuka halaman ini adalah operator",
	"Overview": "Ringkasan", "Payments": "Pembayaran", "Bindings": "Tautan", "Notifications": "Notifikasi", "Settlement": "Penyelesaian",
	"Merchants": "Merchant", "Wallets": "Dompet", "Ledger": "Buku besar", "Audit": "Audit", "Users": "Pengguna", "Trail": "Jejak",
	"Search": "Cari", "Any id, invoice number, phone or amount": "ID apa pun, nomor invoice, telepon, atau jumlah",
	"Merchant": "Merchant", "all": "semua", "State": "Status", "From": "Dari", "To": "Sampai", "Filter": "Saring", "Time": "Waktu",
	"Pages of the list": "Halaman daftar", "Back to the newest": "Kembali ke yang terbaru", "Older": "Lebih lama",
	"Nothing matches.": "Tidak ada yang cocok.",
	"Nothing was found as far back as was looked. Older rows may match: go on, or choose a shorter time.": "Tidak ada yang ditemukan sejauh pencarian ini. Data yang lebih lama mungkin cocok: lanjutkan, atau pilih rentang waktu yang lebih pendek.",
	"Download all of these as CSV": "Unduh semuanya sebagai CSV",
	"This is not understood: %s":   "Ini tidak dipahami: %s",
	"Save":                         "Simpan", "Create": "Buat", "open": "buka", "None.": "Tidak ada.", "Id": "ID", "Facts": "Data", "Number": "Nomor", "Name": "Nama",
	"from": "dari", "to": "sampai", "phone": "telepon", "amount": "jumlah",

	// Problems
	"Not allowed": "Tidak diizinkan", "Your role does not allow this. An operator can do it, or give you another role.": "Peran Anda tidak mengizinkan ini. Operator dapat melakukannya, atau memberi Anda peran lain.",
	"Not understood": "Tidak dipahami", "The form is incomplete or too large. Go back and send it again.": "Formulir tidak lengkap atau terlalu besar. Kembali dan kirim lagi.",
	"Not sent from here": "Tidak dikirim dari sini", "This form was not sent from a page of the back office, or that page is too old. Go back, reload it and send it again.": "Formulir ini tidak dikirim dari halaman back office, atau halamannya sudah terlalu lama. Kembali, muat ulang, dan kirim lagi.",
	"Not found": "Tidak ditemukan", "There is nothing here, or you may not see it.": "Tidak ada apa-apa di sini, atau Anda tidak boleh melihatnya.",
	"Busy": "Sibuk", "There is too much to do right now, or the database does not answer. Try again in a moment.": "Terlalu banyak yang sedang dikerjakan, atau basis data tidak menjawab. Coba lagi sebentar lagi.",
	"Not possible": "Tidak mungkin", "Something went wrong": "Terjadi kesalahan", "Something went wrong here. The server's log says what.": "Terjadi kesalahan di sini. Log server menjelaskannya.",

	// What was done
	"The refund was made.": "Pengembalian dana sudah dilakukan.", "The notification is being sent again.": "Notifikasi sedang dikirim lagi.",
	"The change was saved.": "Perubahan sudah disimpan.", "Your password was changed.": "Kata sandi Anda sudah diganti.",
	"The session was ended.": "Sesi sudah diakhiri.", "You signed in with a recovery code. It serves no second time.": "Anda masuk dengan kode pemulihan. Kode itu tidak berlaku lagi.",
	"The second factor was taken away. The user sets up a new one after signing in.": "Faktor kedua sudah dihapus. Pengguna mengatur yang baru setelah masuk.",
	"The user can no longer sign in.":                                                "Pengguna tidak dapat masuk lagi.", "The user can sign in again.": "Pengguna dapat masuk kembali.",

	// Signing in
	"Sign in": "Masuk", "Sign out": "Keluar", "Password": "Kata sandi", "Your account": "Akun Anda", "Role": "Peran",
	"too many calls": "terlalu banyak panggilan", "wallet's owner asked too often": "pemilik dompet terlalu sering diminta",
	"Calls a second; 0 is what the installation allows": "Panggilan per detik; 0 berarti sebanyak yang diizinkan instalasi", "Calls a second are 0, or a number from 100.": "Panggilan per detik adalah 0, atau angka mulai 100.",
	"Too many attempts to sign in from your address. Wait a minute.":                                                    "Terlalu banyak percobaan masuk dari alamat Anda. Tunggu satu menit.",
	"The name, the password or the code is wrong. After five wrong passwords or codes a user is locked for 15 minutes.": "Nama, kata sandi, atau kode salah. Setelah lima kata sandi atau kode salah, pengguna dikunci selama 15 menit.",
	"Your password was given to you. Choose one of your own to go on.":                                                  "Kata sandi Anda diberikan oleh orang lain. Pilih kata sandi sendiri untuk melanjutkan.",
	"Change the password": "Ganti kata sandi",
	"At least 12 characters. Other browsers in which you are signed in will be signed out.": "Minimal 12 karakter. Peramban lain tempat Anda masuk akan dikeluarkan.",
	"Password until now": "Kata sandi sekarang", "New password": "Kata sandi baru", "New password again": "Ulangi kata sandi baru",
	"The new password was not written the same way twice.":                                                    "Kata sandi baru tidak ditulis sama dua kali.",
	"The password until now is another. After five wrong passwords or codes a user is locked for 15 minutes.": "Kata sandi sekarang bukan itu. Setelah lima kata sandi atau kode salah, pengguna dikunci selama 15 menit.",
	"the password is one of those that are tried first":                                                       "kata sandi termasuk yang pertama kali dicoba penyerang",
	"the password was found in a breach of another site":                                                      "kata sandi ditemukan dalam kebocoran data situs lain",

	// The second factor and sessions
	"Second factor": "Faktor kedua", "Code": "Kode", "from your app, or a recovery code, if you have set up a second factor": "dari aplikasi Anda, atau kode pemulihan, jika Anda sudah mengatur faktor kedua",
	"Here everybody in your role signs in with a second factor. Set it up to go on.": "Di sini semua orang dengan peran Anda masuk dengan faktor kedua. Atur dulu untuk melanjutkan.",
	"since": "sejak", "none": "tidak ada", "Recovery codes left": "Sisa kode pemulihan", "Recovery codes": "Kode pemulihan", "Your password": "Kata sandi Anda",
	"An app on your phone makes a code of six digits that signing in asks for besides the password.": "Aplikasi di ponsel Anda membuat kode enam angka yang diminta saat masuk selain kata sandi.",
	"Setting it up anew takes the place of the app and the recovery codes until now.":                "Mengatur ulang menggantikan aplikasi dan kode pemulihan yang sekarang.",
	"Code from your app, or a recovery code":                                                         "Kode dari aplikasi, atau kode pemulihan", "Code from your app": "Kode dari aplikasi", "Set up": "Atur", "Set up anew": "Atur ulang", "Confirm": "Konfirmasi", "Begin anew": "Mulai lagi",
	"This key is shown once. Whoever has it makes your codes.":                                                                   "Kunci ini hanya ditampilkan sekali. Siapa pun yang memilikinya dapat membuat kode Anda.",
	"Open an authenticator app on your phone and read the picture, or write the key into it.":                                    "Buka aplikasi autentikator di ponsel Anda dan pindai gambarnya, atau tuliskan kuncinya.",
	"On the phone itself: open the app":                                                                                          "Di ponsel itu sendiri: buka aplikasinya",
	"Enter the code that the app shows.":                                                                                         "Masukkan kode yang ditampilkan aplikasi.",
	"QR code of the key, for an authenticator app":                                                                               "Kode QR dari kunci, untuk aplikasi autentikator",
	"The code is wrong, or was used before. Wait for the next one.":                                                              "Kode salah, atau sudah pernah dipakai. Tunggu kode berikutnya.",
	"begin anew: the key was not confirmed within 15 minutes":                                                                    "mulai lagi: kunci tidak dikonfirmasi dalam 15 menit",
	"From now on signing in asks for a code of your app.":                                                                        "Mulai sekarang Anda diminta kode dari aplikasi saat masuk.",
	"These codes are shown once. Each stands in for the app one time, when the phone is lost: keep them where the phone is not.": "Kode-kode ini hanya ditampilkan sekali. Masing-masing menggantikan aplikasi satu kali bila ponsel hilang: simpan terpisah dari ponsel.",
	"I have kept them": "Sudah saya simpan", "set up": "aktif", "Reset the second factor": "Hapus faktor kedua",
	"Where you are signed in": "Tempat Anda masuk", "Here": "Di sini", "another browser": "peramban lain", "last used": "terakhir dipakai", "All but this one": "Semua kecuali yang ini", "End the session": "Akhiri sesi",
	"Choose which session to end.": "Pilih sesi yang akan diakhiri.", "that session has ended already": "sesi itu sudah berakhir",
	"a password has 12 to 128 characters":                                   "kata sandi terdiri dari 12 sampai 128 karakter",
	"the password is little more than a name, a usual word or a repetition": "kata sandi hanya berisi nama, kata umum, atau pengulangan",
	"the new password is the old one":                                       "kata sandi baru sama dengan yang lama",

	// Overview
	"24 hours": "24 jam", "7 days": "7 hari", "30 days": "30 hari", "90 days": "90 hari", "Succeeded": "Berhasil", "Paid": "Terbayar",
	"Notifications queued": "Notifikasi antre", "Notifications failed": "Notifikasi gagal", "Payments over time": "Pembayaran dari waktu ke waktu",
	"By channel": "Menurut kanal", "Channel": "Kanal", "No payments in this time.": "Tidak ada pembayaran dalam waktu ini.",
	"Why payments did not succeed": "Mengapa pembayaran tidak berhasil", "Reason": "Alasan", "Share of all": "Bagian dari semua",
	"How long customers took": "Berapa lama pelanggan menjawab", "No customer confirmed a payment in this time.": "Tidak ada pelanggan yang mengonfirmasi pembayaran dalam waktu ini.",
	"Notifications over time": "Notifikasi dari waktu ke waktu", "First attempts": "Percobaan pertama", "acknowledged at once": "langsung diterima", "not at once": "tidak langsung",
	"How long merchants' servers took to answer": "Berapa lama server merchant menjawab", "succeeded": "berhasil", "not succeeded": "tidak berhasil", "undeliverable": "tak terkirim",
	"s": "dtk", "min": "mnt",

	// Payments
	"With this number": "Dengan nomor ini", "No payment, request or refund bears this number.": "Tidak ada pembayaran, permintaan, atau pengembalian dana dengan nomor ini.",
	"Phone": "Telepon", "Amount": "Jumlah", "Created": "Dibuat", "Invoice": "Invoice", "Payment": "Pembayaran", "Payment %s": "Pembayaran %s",
	"Paid with cash": "Dibayar dengan saldo", "Paid with points": "Dibayar dengan poin", "Given back": "Dikembalikan", "Request id": "ID permintaan", "Final": "Selesai", "Binding": "Tautan",
	"Timeline": "Linimasa", "Page": "Halaman", "Opened": "Dibuka", "Open until": "Terbuka sampai", "Codes sent": "Kode terkirim", "Wrong codes": "Kode salah",
	"Prompt in the app": "Permintaan di aplikasi", "Waits until": "Menunggu sampai", "Batch, reference, trace": "Batch, referensi, trace", "Approval": "Persetujuan",
	"Give money back": "Kembalikan dana", "is left of the payment. Points go back first.": "tersisa dari pembayaran ini. Poin dikembalikan lebih dahulu.",
	"Yes, give the customer this money back": "Ya, kembalikan dana ini kepada pelanggan", "Refund": "Kembalikan", "Refunds": "Pengembalian dana", "Asked for by": "Diminta oleh",
	"Cash": "Saldo", "Points": "Poin", "Postings": "Jurnal", "No money has moved.": "Tidak ada dana yang berpindah.", "Transfer": "Transfer", "Account": "Akun",
	"Give the amount in whole rupiah.": "Tulis jumlah dalam rupiah bulat.", "Give a reason of at most 200 characters.": "Tulis alasan paling banyak 200 karakter.",
	"Confirm that the money is to be given back.": "Konfirmasikan bahwa dana akan dikembalikan.",

	// Bindings
	"Customer": "Pelanggan", "Customer's name": "Nama pelanggan", "Ends": "Berakhir", "Ended": "Berakhir", "Consent until": "Persetujuan sampai",
	"Payments of this phone": "Pembayaran telepon ini", "Binding of %s": "Tautan %s",

	// Notifications
	"Notification": "Notifikasi", "No notification.": "Tidak ada notifikasi.", "next attempt": "percobaan berikutnya", "Next attempt": "Percobaan berikutnya",
	"Attempt": "Percobaan", "Attempts": "Percobaan", "no answer": "tidak ada jawaban", "acknowledged": "diterima", "HTTP status": "Status HTTP", "Why it does not count": "Mengapa tidak dihitung",
	"Protocol": "Protokol", "Event": "Peristiwa", "About": "Tentang", "Send again": "Kirim lagi", "Send all of these again": "Kirim semuanya lagi", "Send all again": "Kirim semua lagi",
	"Every event that the filter chooses is queued once more, unless that was done since. At most 5,000 are looked at for one press of the button.": "Setiap peristiwa yang dipilih saringan diantrekan sekali lagi, kecuali sudah dilakukan sejak itu. Paling banyak 5.000 diperiksa untuk satu kali menekan tombol.",
	"Sending again": "Mengirim lagi", "Queued so far": "Diantrekan sejauh ini", "Queued to be sent again": "Diantrekan untuk dikirim lagi", "Go on with older ones": "Lanjutkan dengan yang lebih lama",
	"Back to the list": "Kembali ke daftar", "It broke off here. What was queued will be sent; press again for the rest.": "Terputus di sini. Yang sudah diantrekan akan dikirim; tekan lagi untuk sisanya.",

	// Settlement
	"Captured less refunded, by merchant and WIB day, counted from the postings.": "Ditagih dikurangi dikembalikan, per merchant dan hari WIB, dihitung dari jurnal.",
	"Settlement of %s": "Penyelesaian %s", "Day": "Hari", "Captured": "Ditagih", "Refunded": "Dikembalikan", "Net": "Bersih", "Net cash": "Saldo bersih", "Net points": "Poin bersih",
	"Payments of the day": "Pembayaran hari itu", "Refunds of the day": "Pengembalian dana hari itu",

	// Merchants
	"Client id": "Client ID", "New merchant": "Merchant baru", "Client id (made when left empty)": "Client ID (dibuatkan bila kosong)", "Owed, cash": "Terutang, saldo", "Owed, points": "Terutang, poin",
	"Credentials": "Kredensial", "Secret key": "Secret key", "set; it is shown only when it is made": "ada; hanya ditampilkan saat dibuat", "The secret before goes on verifying until": "Secret sebelumnya masih berlaku sampai",
	"Public key": "Public key", "registered": "terdaftar", "New secret key": "Secret key baru", "The old secret": "Secret lama", "Make a new secret key": "Buat secret key baru",
	"Calls may be signed with either key while the old one goes on verifying. Notifications are signed with the new one at once.": "Panggilan boleh ditandatangani dengan salah satu kunci selama yang lama masih berlaku. Notifikasi langsung ditandatangani dengan yang baru.",
	"The public key before goes on verifying until": "Public key sebelumnya masih berlaku sampai", "New public key": "Public key baru", "The old key": "Kunci lama", "Replace the public key": "Ganti public key",
	"The merchant makes the pair and gives its public half. Tokens may be asked for with either key while the old one goes on verifying. An empty field takes the key away.": "Merchant membuat pasangan kunci dan menyerahkan bagian publiknya. Token boleh diminta dengan salah satu kunci selama yang lama masih berlaku. Isian kosong mencabut kunci.",
	"Settings": "Pengaturan", "SNAP: address that issues tokens for notifications": "SNAP: alamat penerbit token untuk notifikasi", "SNAP: address for payment notifications": "SNAP: alamat notifikasi pembayaran",
	"SNAP: address for binding notifications": "SNAP: alamat notifikasi tautan", "Before SNAP: address for notifications": "Sebelum SNAP: alamat notifikasi", "Public key (PEM)": "Public key (PEM)",
	"Faspay merchant id (or none)": "Merchant ID Faspay (bila ada)", "Faspay merchant id": "Merchant ID Faspay", "Faspay user id": "User ID Faspay", "Faspay password": "Kata sandi Faspay",
	"The Faspay password before goes on verifying until": "Kata sandi Faspay sebelumnya masih berlaku sampai", "suspended": "ditangguhkan", "Which": "Yang mana", "Order": "Pesanan",
	"Faspay: address for notifications": "Faspay: alamat notifikasi", "Faspay: address for activations": "Faspay: alamat aktivasi", "Faspay: where customers go back to": "Faspay: tempat pelanggan kembali",
	"1 hour": "1 jam", "stops at once": "langsung berhenti", "Choose how long the old secret goes on verifying.": "Pilih berapa lama secret lama masih berlaku.",
	"A merchant has a name of at most 100 characters, and a client id of at most 64.": "Nama merchant paling banyak 100 karakter, dan client id paling banyak 64.",
	"An address begins with https:// or http:// and has at most 500 characters.":      "Alamat dimulai dengan https:// atau http:// dan paling banyak 500 karakter.",
	"This is no RSA public key of 2048 to 8192 bit in PEM.":                           "Ini bukan public key RSA 2048 sampai 8192 bit dalam PEM.",
	"this public key is the current one already":                                      "public key ini sudah dipakai",
	"another merchant has this DOKU client id or Faspay merchant id":                  "merchant lain memakai client id atau merchant id Faspay ini",
	"This is shown once. Copy it now; it cannot be read again.":                       "Ini hanya ditampilkan sekali. Salin sekarang; tidak dapat dibaca lagi.",
	"I have copied it": "Sudah saya salin",

	// Wallets
	"Wallet %s": "Dompet %s", "Limits": "Batas", "One transaction": "Satu transaksi", "Transactions a day": "Transaksi per hari", "Spent in a day": "Pengeluaran per hari", "Held": "Disimpan", "no limit": "tanpa batas",
	"Wrong PINs in a row": "PIN salah berturut-turut", "Locked after wrong PINs until": "Terkunci karena PIN salah sampai", "Block or unblock": "Blokir atau buka blokir",
	"Setting a wallet active also lifts a lock after wrong PINs.": "Mengaktifkan dompet juga membuka kunci karena PIN salah.",
	"Ledger account, cash": "Akun buku besar, saldo", "Ledger account, points": "Akun buku besar, poin", "All payments": "Semua pembayaran",

	// Ledger and audit
	"Accounts": "Akun", "Came in from outside": "Masuk dari luar", "Held by wallets": "Disimpan dompet", "Owed to merchants": "Terutang kepada merchant", "Off by": "Selisih", "Kind": "Jenis",
	"Made for": "Dibuat untuk", "Gives back from": "Mengembalikan dari",
	"Checks every invariant of the book in one read snapshot, while payments go on. A large book takes some seconds.": "Memeriksa setiap aturan buku dalam satu potret baca, sementara pembayaran terus berjalan. Buku yang besar membutuhkan beberapa detik.",
	"Run the audit": "Jalankan audit", "The books balance: every invariant holds.": "Buku seimbang: setiap aturan terpenuhi.", "The books do not balance. See what is broken below.": "Buku tidak seimbang. Lihat yang dilanggar di bawah.",
	"Rule": "Aturan", "Result": "Hasil", "holds": "terpenuhi", "broken": "dilanggar",

	// Users and trail
	"Signed in": "Masuk terakhir", "Change": "Ubah", "disabled": "dinonaktifkan", "active": "aktif", "Enable": "Aktifkan", "Disable": "Nonaktifkan", "Reset the password": "Atur ulang kata sandi", "Nobody yet.": "Belum ada.",
	"New user": "Pengguna baru", "Merchant (for that role only)": "Merchant (hanya untuk peran itu)", "Roles": "Peran", "First password": "Kata sandi pertama",
	"sees everything but secrets, changes nothing": "melihat semuanya kecuali rahasia, tidak mengubah apa pun", "also refunds, and sends notifications again": "juga mengembalikan dana dan mengirim ulang notifikasi",
	"everything: also wallets, merchants, secrets and users": "semuanya: juga dompet, merchant, rahasia, dan pengguna", "sees and refunds what is one merchant's": "melihat dan mengembalikan dana milik satu merchant",
	"Another operator must do this to you.":                                             "Operator lain yang harus melakukannya untuk Anda.",
	"What people did here. An entry is written before the deed, and its outcome after.": "Apa yang dilakukan orang di sini. Catatan ditulis sebelum tindakan, dan hasilnya sesudahnya.",
	"When": "Kapan", "Who": "Siapa", "Did": "Melakukan", "What to": "Terhadap", "Details": "Rincian", "Outcome": "Hasil",
	"another user has this name":                                    "pengguna lain memakai nama ini",
	"a user's name has 2 to 100 characters and no blanks":           "nama pengguna terdiri dari 2 sampai 100 karakter tanpa spasi",
	"a merchant's user belongs to a merchant, and nobody else does": "pengguna merchant adalah milik satu merchant, yang lain tidak",

	// States, channels, roles, kinds
	"awaiting customer": "menunggu pelanggan", "refused": "ditolak", "failed": "gagal", "cancelled": "dibatalkan", "expired": "kedaluwarsa", "uncertain": "belum pasti",
	"unbound": "dilepas", "queued": "antre", "delivered": "terkirim", "blocked": "diblokir", "card blocked": "kartu diblokir", "otp": "menunggu kode", "pin": "menunggu PIN", "done": "selesai", "superseded": "digantikan",
	"snap sale": "SNAP SALE", "snap recurring": "SNAP RECURRING", "jokul sale": "Jokul sekali bayar", "jokul recurring": "Jokul berulang", "push": "push",
	"snap": "SNAP", "jokul": "Jokul", "faspay": "Faspay", "office": "back office", "payment": "pembayaran", "refund": "pengembalian dana", "top up": "isi saldo",
	"viewer": "pemerhati", "support": "dukungan", "operator": "operator", "merchant": "merchant",
	"binding.started": "tautan diminta", "binding.active": "tautan aktif", "binding.failed": "tautan gagal", "binding.expired": "tautan kedaluwarsa", "binding.unbound": "tautan dilepas",
	"payment.started": "pembayaran diminta", "payment.succeeded": "pembayaran berhasil", "payment.refused": "pembayaran ditolak", "payment.failed": "pembayaran gagal",
	"payment.cancelled": "pembayaran dibatalkan", "payment.expired": "pembayaran kedaluwarsa", "refund.succeeded": "dana dikembalikan",

	// Deeds
	"sign in": "masuk", "sign out": "keluar", "change password": "ganti kata sandi", "resend": "kirim lagi", "resend all": "kirim semua lagi", "wallet status": "status dompet",
	"create merchant": "buat merchant", "change merchant": "ubah merchant", "rotate secret": "ganti secret", "rotate public key": "ganti public key", "create user": "buat pengguna", "disable user": "nonaktifkan pengguna", "enable user": "aktifkan pengguna",
	"begin second factor": "mulai faktor kedua", "confirm second factor": "konfirmasi faktor kedua", "reset second factor": "hapus faktor kedua", "recovery code": "kode pemulihan",
	"end session": "akhiri sesi", "end other sessions": "akhiri sesi lain", "wrong code": "kode salah",
	"reset password": "atur ulang kata sandi", "audit": "audit", "export payments": "unduh pembayaran", "export settlement": "unduh penyelesaian", "started": "dimulai", "wrong password": "kata sandi salah",

	// Refusals
	"internal error": "kesalahan internal", "invalid request": "permintaan tidak sah", "not found": "tidak ditemukan", "request id already used": "ID permintaan sudah dipakai",
	"reference already used with the same content": "nomor sudah dipakai dengan isi yang sama", "reference already used with other content": "nomor sudah dipakai dengan isi lain", "invalid amount": "jumlah tidak sah",
	"insufficient funds": "saldo tidak cukup", "transaction limit exceeded": "melebihi batas transaksi", "daily transaction count exceeded": "melebihi jumlah transaksi harian", "daily transaction sum exceeded": "melebihi nilai transaksi harian",
	"wallet may not hold that much": "dompet tidak boleh menyimpan sebanyak itu", "no wallet has this phone number": "tidak ada dompet dengan nomor ini", "wallet blocked": "dompet diblokir", "wallet locked after wrong PINs": "dompet terkunci karena PIN salah",
	"wallet already bound to this customer": "dompet sudah tertaut ke pelanggan ini", "wallet bound to another customer of this merchant": "dompet tertaut ke pelanggan lain merchant ini", "no active binding": "tidak ada tautan aktif", "consent expired": "persetujuan kedaluwarsa",
	"not possible in this state": "tidak mungkin dalam status ini", "wrong one-time code": "kode sekali pakai salah", "one-time code expired": "kode sekali pakai kedaluwarsa", "wrong PIN": "PIN salah",
	"refund exceeds what is left of the payment": "melebihi sisa pembayaran", "reversed": "ditarik kembali", "outcome pending": "hasil menyusul", "too old to tell": "terlalu lama untuk diketahui", "prompt could not be delivered": "permintaan tidak dapat dikirim",
	"not permitted for this merchant": "tidak diizinkan untuk merchant ini", "below the minimum amount": "di bawah jumlah minimum", "terminal unknown or blocked": "terminal tidak dikenal atau diblokir", "clock skew": "selisih jam", "query not understood": "pertanyaan tidak dipahami",
	"issuer fault": "kesalahan penerbit", "proof already used for another request": "bukti sudah dipakai untuk permintaan lain", "busy": "sibuk", "unavailable": "tidak tersedia",
}
