# SPDX-License-Identifier: Apache-2.0
"""What the mount tests share: private namespaces, mounts, trees and system calls."""
