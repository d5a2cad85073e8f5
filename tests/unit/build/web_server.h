// SPDX-License-Identifier: Apache-2.0
//
// A web server of a test's own on the loopback address, with an answer for each path.
#ifndef VENEER_TESTS_UNIT_BUILD_WEB_SERVER_H_
#define VENEER_TESTS_UNIT_BUILD_WEB_SERVER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>
#include <thread>

#include "layerdb/base/fd.h"

namespace veneer {

class WebServer {
 public:
  // `answers`: by path and query, "404 Not Found" or headers and body: "Name: value\r\n\r\nBODY".
  explicit WebServer(std::map<std::string, std::string> answers) : answers_(std::move(answers)) {
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    ::bind(listener_.get(), any, size);
    ::listen(listener_.get(), 8);
    ::getsockname(listener_.get(), any, &size);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { Serve(); });
  }
  ~WebServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;

  // Without a slash at its end.
  const std::string& url() const { return url_; }

 private:
  void Serve() {
    for (;;) {
      const Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!connection) return;
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t n = ::read(connection.get(), buffer, sizeof(buffer));
        if (n <= 0) break;
        request.append(buffer, static_cast<size_t>(n));
      }
      const size_t path = request.find(' ') + 1;
      const auto found = answers_.find(request.substr(path, request.find(' ', path) - path));
      const std::string answer = found == answers_.end() ? "404 Not Found" : found->second;
      const bool has_headers = answer.find("\r\n\r\n") != std::string::npos;
      const std::string text =
          has_headers ? "HTTP/1.1 200 OK\r\nConnection: close\r\n" + answer
                      : "HTTP/1.1 " + answer + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
      for (size_t sent = 0; sent < text.size();) {
        const ssize_t n =
            ::send(connection.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (n <= 0) break;
        sent += static_cast<size_t>(n);
      }
    }
  }

  const std::map<std::string, std::string> answers_;
  Fd listener_;
  std::string url_;
  std::thread thread_;
};

}  // namespace veneer

#endif  // VENEER_TESTS_UNIT_BUILD_WEB_SERVER_H_
