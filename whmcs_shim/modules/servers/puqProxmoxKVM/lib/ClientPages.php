<?php

namespace KvmBridge\Shim;

/**
 * The client's pages of one service and the data that they load.
 */
final class ClientPages
{
    /**
     * The HTML of the page that the request asks for with `page`; the overview when it asks for none.
     */
    public static function render($params): string
    {
        $page = self::name($_GET['page'] ?? '') ?: 'overview';
        try {
            $request = Params::reduce($params) + ['request' => Params::request()];
            $result = Client::configured()->call('/v1/client/' . $page, $request);
            if (!is_string($result)) {
                throw new BridgeError('KVM Bridge gave an answer that cannot be understood.');
            }

            return $result;
        } catch (\Throwable $error) {
            return '<div class="alert alert-danger">' . Failure::escape(self::calm($page, $error)) . '</div>';
        }
    }

    /**
     * Data and actions of the pages, named by the request's `command`: prints JSON and ends the request.
     */
    public static function api($params): void
    {
        $command = self::name($_POST['command'] ?? $_GET['command'] ?? '');
        try {
            if ($command === '') {
                throw new Refusal('The request names no command.');
            }
            $request = Params::reduce($params) + ['request' => Params::request()];
            $answer = ['result' => Client::configured()->call('/v1/client/' . $command, $request)];
        } catch (\Throwable $error) {
            $answer = ['error' => self::calm($command, $error)];
        }
        Output::json($answer);
    }

    /**
     * What a client may read: the daemon's own words, else the general sentence, whoever is looking over the shoulder.
     */
    private static function calm(string $page, \Throwable $error): string
    {
        $text = Failure::text('client/' . $page, $error);

        return $error instanceof Refusal ? $text : Failure::FOR_CLIENTS;
    }

    private static function name($value): string
    {
        return is_string($value) && preg_match('~^[a-z][a-z0-9_]{0,39}$~D', $value) === 1 ? $value : '';
    }
}
