#include "server/cli/certificates.hpp"

#include "server/base/digest.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tocsin::cli {
namespace {

using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Certificate = std::unique_ptr<X509, void (*)(X509*)>;

struct Issue {
    const char* name;
    X509* issuer;  // null: itself
    EVP_PKEY* signer;
    EVP_PKEY* key;
    int days;
    bool authority;
};

bool extend(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> made(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value), X509_EXTENSION_free);
    return made && X509_add_ext(certificate, made.get(), -1) == 1;
}

bool set_names(X509* certificate, const Issue& issue) {
    auto* subject = X509_get_subject_name(certificate);
    const auto* text = reinterpret_cast<const unsigned char*>(issue.name);
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate,
                                issue.issuer ? X509_get_subject_name(issue.issuer) : subject) == 1;
}

bool set_serial(X509* certificate) {
    const auto noise = random_bytes(16);
    const std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> number(
        BN_bin2bn(reinterpret_cast<const unsigned char*>(noise.data()), 16, nullptr), BN_free);
    BN_clear_bit(number.get(), 127);  // positive in DER
    return BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_uses(X509* certificate, X509* issuer, bool authority) {
    if (authority)
        return extend(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
               extend(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign") &&
               extend(certificate, issuer, NID_subject_key_identifier, "hash");
    return extend(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           extend(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
           extend(certificate, issuer, NID_ext_key_usage, "serverAuth") &&
           extend(certificate, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
           extend(certificate, issuer, NID_subject_key_identifier, "hash") &&
           extend(certificate, issuer, NID_authority_key_identifier, "keyid:always");
}

Certificate issue(const Issue& wanted) {
    Certificate made(X509_new(), X509_free);
    auto* issuer = wanted.issuer ? wanted.issuer : made.get();
    const bool well = X509_set_version(made.get(), 2) == 1 && set_serial(made.get()) &&
                      X509_gmtime_adj(X509_getm_notBefore(made.get()), -300) &&
                      X509_time_adj_ex(X509_getm_notAfter(made.get()), wanted.days, 0, nullptr) &&
                      set_names(made.get(), wanted) &&
                      X509_set_pubkey(made.get(), wanted.key) == 1 &&
                      set_uses(made.get(), issuer, wanted.authority) &&
                      X509_sign(made.get(), wanted.signer, EVP_sha256()) > 0;
    if (!well) made.reset();
    return made;
}

template <class Write> std::string pem(Write write) {
    const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
    if (!bio || write(bio.get()) != 1) return "";
    char* at = nullptr;
    const auto count = BIO_get_mem_data(bio.get(), &at);
    return std::string(at, std::size_t(count));
}

std::string pem(X509* certificate) {
    return pem([=](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string pem(EVP_PKEY* key) {
    return pem([=](BIO* bio) {
        return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    });
}

}  // namespace

Result<std::filesystem::path> write_new(const std::filesystem::path& file,
                                        std::string_view bytes,
                                        unsigned mode) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode));
    if (fd < 0)
        return Fault{Cause::refused, fmt::format("{}: {}", file.string(), std::strerror(errno))};
    const auto written = ::write(fd, bytes.data(), bytes.size());
    const bool well = written == ssize_t(bytes.size()) && ::fsync(fd) == 0;
    if (::close(fd) != 0 || !well) return Fault{Cause::internal, "cannot write " + file.string()};
    return file;
}

Result<std::filesystem::path> write_certificates(const std::filesystem::path& folder, int days) {
    const Key ca_key(EVP_EC_gen("P-256"), EVP_PKEY_free), key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const auto ca = issue({"Tocsin first-run CA", nullptr, ca_key.get(), ca_key.get(), days, true});
    const auto server = ca ? issue({"localhost", ca.get(), ca_key.get(), key.get(), days, false})
                           : Certificate(nullptr, X509_free);
    if (!server) return Fault{Cause::internal, "OpenSSL could not make the certificates"};
    for (const auto& [name, bytes, mode] : {std::tuple("ca.crt", pem(ca.get()), 0644U),
                                            std::tuple("server.crt", pem(server.get()), 0644U),
                                            std::tuple("server.key", pem(key.get()), 0600U)})
        if (auto written = write_new(folder / name, bytes, mode); !written) return written;
    return folder;
}

}  // namespace tocsin::cli
