<?php

/**
 * Signs what comes in as JSON on standard input, a list of [method, path, timestamp, nonce, body in base64, status, exit
 * code], with the shim's Signature; prints the four signatures of each.
 */

require $argv[1] . '/lib/Signature.php';

$job = json_decode(stream_get_contents(STDIN), true);
$signature = new KvmBridge\Shim\Signature($job['secret']);
$signed = [];
foreach ($job['messages'] as [$method, $path, $timestamp, $nonce, $body, $status, $code]) {
    $body = base64_decode($body);
    $signed[] = [
        $signature->ofRequest($method, $path, (string) $timestamp, $nonce, $body),
        $signature->ofResponse($status, $nonce, $body),
        $signature->ofStreamStart($status, $nonce),
        $signature->ofStreamEnd($nonce, $code, hash('sha256', $body)),
    ];
}
echo json_encode($signed);
